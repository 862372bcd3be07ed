import { OtpService } from '../../src/otp/otp.service.js';
import type { RunningService } from './service.js';

/** Watches the sends of a service from now on. @returns a getter of the pinId of the last one */
export function watchPinId({ app }: RunningService): () => Promise<string> {
  const sends = jest.spyOn(app.get(OtpService, { strict: false }), 'send');
  return async () => {
    const { body } = await (sends.mock.results.at(-1)?.value as ReturnType<OtpService['send']>);
    expect(body.pinId).toMatch(/^[\w-]{22}$/);
    sends.mockRestore();
    return body.pinId;
  };
}
