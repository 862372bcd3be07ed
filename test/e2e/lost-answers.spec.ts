import { seconds } from '../../src/common/durations.js';
import {
  dropConnection,
  hang,
  messageSent,
  reply,
  startScriptedUpstream,
  type Script,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import { startService, type RunningService } from '../support/service.js';
import { scaleTimeLimit } from '../support/time-scale.js';

const NUMBER = '+14155552671';
const OTHER_NUMBER = '+14155552672';
const OTHER_CODE = '999999';
const MAX_ATTEMPTS = 5;

/** So long that no other answer is late. */
const TIMEOUT_MS = scaleTimeLimit(seconds(1));

/** Ways to lose the answer to a check. */
const LOSSES: [title: string, script: Script][] = [
  ['the connection breaks', dropConnection],
  ['the provider answers 500', reply(500, {})],
  ['the provider answers 503 without JSON', reply(503, '<html>')],
  ['the answer is no JSON', reply(200, '<html>')],
  ['the answer does not arrive in time', hang],
];

describe('When the answer to a check is lost', () => {
  let upstream: ScriptedUpstream;
  let service: RunningService;

  beforeEach(async () => {
    upstream = await startScriptedUpstream();
    service = await startService({
      INFOBIP_BASE_URL: upstream.url,
      PROVIDER_TIMEOUT: `${String(TIMEOUT_MS)}ms`,
      OTP_MAX_ATTEMPTS: String(MAX_ATTEMPTS),
      THROTTLE_VERIFY_LIMIT: '1000',
    });
  });

  afterEach(async () => {
    await service.close();
    await upstream.close();
  });

  const send = async (phoneNumber = NUMBER): Promise<string> => {
    upstream.answer(messageSent);
    const { body } = await service.http.post('/otp/send').send({ phoneNumber }).expect(200);
    return body.pinId;
  };
  const verify = (pinId: string, otpCode: string) =>
    service.http.post('/otp/verify').send({ pinId, otpCode });
  /** The codes that the provider was asked to check, without those of the other number. */
  const getCheckedCodes = () =>
    upstream.requests
      .filter(({ path }) => path.endsWith('/verify'))
      .map(({ body }) => (JSON.parse(body) as { pin: string }).pin)
      .filter((code) => code !== OTHER_CODE);

  it.each(LOSSES)(
    'because %s, the attempt stays counted, and only five of 31 wrong codes are checked',
    async (_title, loss) => {
      const pinId = await send();
      const other = await send(OTHER_NUMBER);
      // Answers for another number, even 429, keep the circuit closed. With an open circuit, the service
      // would not call the provider.
      const keepCircuitClosed = async () => {
        upstream.answer(reply(429, {}));
        for (let i = 0; i < 2; i += 1) await verify(other, OTHER_CODE).expect(503);
      };

      for (let code = 100_000; code < 100_031; code += 1) {
        upstream.answer(loss);
        await verify(pinId, String(code));
        await keepCircuitClosed();
      }

      expect(getCheckedCodes()).toHaveLength(MAX_ATTEMPTS);
    },
  );
});
