import { AuthType, Infobip } from '@infobip-api/sdk';
import { startTestSandbox, TO, type TestSandbox } from '../support/sandbox.js';

/** What the SDK resolves with: axios' response, or an error that it returns rather than throws. */
interface Answer {
  readonly status?: number;
  readonly data?: Record<string, unknown>;
  readonly response?: { readonly status: number; readonly data: unknown };
}

type Call = (...args: unknown[]) => Promise<Answer>;

/** The SDK types its services as `any`; these are the calls that it documents. */
type TwoFactorCalls = Record<
  | 'createApplication'
  | 'updateApplication'
  | 'getApplications'
  | 'createMessageTemplate'
  | 'updateMessageTemplate'
  | 'getMessageTemplates'
  | 'sendPINCodeSMS'
  | 'sendPINCodeVoice'
  | 'resendPINCodeSMS'
  | 'resendPINCodeVoice'
  | 'verifyPhoneNumber'
  | 'getVerificationStatus',
  Call
>;

describe("The vendor's own SDK, against the sandbox", () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox({ apiKey: 'the-key' });
  });

  afterEach(() => sandbox.close());

  const twoFactor = (apiKey = 'the-key'): TwoFactorCalls => {
    const client = new Infobip({ baseUrl: sandbox.url, authType: AuthType.ApiKey, apiKey });
    return client.service.twoFA;
  };

  /** Calls by the SDK, and expects that status. */
  const data = async (call: Promise<Answer>, status = 200): Promise<Record<string, unknown>> => {
    const answer = await call;
    if (answer instanceof Error) throw answer;
    expect(answer.status).toBe(status);
    return answer.data ?? {};
  };

  it('makes an application and a template, sends, resends, verifies and asks', async () => {
    const sdk = twoFactor();
    const { applicationId } = await data(sdk.createApplication({ name: 'shop' }), 201);
    const template = { messageText: '{{pin}} it is', pinType: 'NUMERIC', pinLength: 6 };
    const { messageId } = await data(sdk.createMessageTemplate(applicationId, template));
    const request = { applicationId, messageId, to: TO };

    const { pinId } = await data(sdk.sendPINCodeSMS(request));
    await data(sdk.resendPINCodeSMS(pinId));
    await data(sdk.resendPINCodeVoice(pinId));

    const [call, again, text] = await sandbox.inbox(TO);
    expect([call?.channel, again?.channel, text?.channel]).toEqual(['voice', 'sms', 'sms']);
    expect(text?.text).toMatch(/^\d{6} it is$/);
    const verified = await data(sdk.verifyPhoneNumber(pinId, { pin: text?.pin }));
    expect(verified).toEqual({ pinId, msisdn: TO, verified: true, attemptsRemaining: 0 });
    const query = { msisdn: TO, verified: true, sent: true };
    const now = sandbox.clock.now();
    expect(await data(sdk.getVerificationStatus(applicationId, query))).toEqual({
      verifications: [{ msisdn: TO, verified: true, sentAt: now, verifiedAt: now }],
    });
    expect(await data(sdk.getVerificationStatus(applicationId, { msisdn: TO }))).toHaveProperty(
      'verifications',
    );
  });

  it('changes and lists what it made, and calls', async () => {
    const sdk = twoFactor();
    const { applicationId } = await data(sdk.createApplication({ name: 'shop' }), 201);
    const template = { messageText: '{{pin}}', pinType: 'NUMERIC' };
    const { messageId } = await data(sdk.createMessageTemplate(applicationId, template));

    await data(sdk.updateApplication(applicationId, { name: 'new', enabled: true }));
    await data(sdk.updateMessageTemplate(applicationId, messageId, { pinLength: 8 }));

    expect(await data(sdk.getApplications())).toContainEqual(
      expect.objectContaining({ applicationId, name: 'new' }),
    );
    expect(await data(sdk.getMessageTemplates(applicationId))).toMatchObject([{ pinLength: 8 }]);
    const call = await data(sdk.sendPINCodeVoice({ applicationId, messageId, to: TO }));
    expect(call).toMatchObject({ callStatus: 'PENDING_ACCEPTED' });
  });

  it.each([
    [undefined, true],
    [true, true],
    [false, false],
  ])('sends with ncNeeded=%s; looked up: %s', async (ncNeeded, lookedUp) => {
    const request = {
      applicationId: 'sandbox-application',
      messageId: 'sandbox-message',
      to: TO,
    };

    const answer = await data(twoFactor().sendPINCodeSMS(request, ncNeeded));

    expect('ncStatus' in answer).toBe(lookedUp);
  });

  it('returns the refusal of a wrong key as an error', async () => {
    const answer = await twoFactor('another').getApplications();

    expect(answer).toBeInstanceOf(Error);
    expect(answer.response).toMatchObject({ status: 401 });
  });
});
