import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { ACCEPTED, REFUSED } from '../support/untidy-phone-numbers.js';

describe('A phone number with an untidy spelling', () => {
  let service: SandboxedService;

  beforeAll(async () => {
    service = await startSandboxedService({
      THROTTLE_SEND_LIMIT: '1000',
      THROTTLE_VERIFY_LIMIT: '1000',
    });
    for (const phoneNumber of new Set(ACCEPTED.map(({ e164 }) => e164))) await verify(phoneNumber);
  });

  afterAll(() => service.close());

  async function verify(phoneNumber: string): Promise<void> {
    await service.http.post('/otp/send').send({ phoneNumber, channel: 'voice' }).expect(200);
    const [otpCode = ''] = await service.getReceivedCodes(phoneNumber);
    const body = { phoneNumber, otpCode };
    await service.http.post('/otp/verify').send(body).expect(200, { verified: true });
  }

  const lookUp = (phoneNumber: unknown) =>
    service.http.post('/otp/numbers/lookup').send({ phoneNumber });

  it.each(ACCEPTED)('is accepted as the number that it stands for ($what)', async ({ text }) => {
    expect((await lookUp(text).expect(200)).body).toMatchObject({ verified: true });
  });

  it.each(REFUSED)(
    'is refused with an error that explains it ($what)',
    async ({ text, detail }) => {
      const response = await lookUp(text);

      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors).toEqual([
        { pointer: '#/phoneNumber', detail: expect.stringContaining(detail) },
      ]);
    },
  );

  it('is quoted neither in the response nor in the log if it is refused', async () => {
    for (const { text } of REFUSED) {
      const digits = String(text).replace(/\D/g, '');
      if (digits.length < 5) continue;
      const response = await lookUp(text);
      // The error has this number as an example.
      const withoutExample = response.text.replaceAll('+14155552671', '');

      const output = `${withoutExample}${service.log.text}`.replace(/"requestId":"[^"]*"/g, '');
      expect(output).not.toContain(digits.slice(-7));
      expect(output).not.toContain(JSON.stringify(text).slice(1, -1));
    }
  });
});
