import { OtpService } from '../../../src/otp/otp.service.js';
import type { SandboxedService } from '../../support/service.js';

/** Holds every request to send in the service, until `release` is called. */
export function holdSends({ app }: SandboxedService): {
  /** Resolves when the service has got a request to send. */
  arrived: Promise<void>;
  release(): void;
} {
  const otpService = app.get(OtpService);
  const send = otpService.send.bind(otpService);
  const sends = jest.spyOn(otpService, 'send');
  let resume = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    resume = resolve;
  });
  const arrived = new Promise<void>((resolve) => {
    sends.mockImplementation(async (...request) => {
      resolve();
      await released;
      return send(...request);
    });
  });
  return {
    arrived,
    release: () => {
      sends.mockRestore();
      resume();
    },
  };
}
