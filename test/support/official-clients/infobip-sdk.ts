import { AuthType, Infobip } from '@infobip-api/sdk';
import { PHONE_NUMBER, type TestSandbox } from '../sandbox.js';

type SdkSandbox = Pick<TestSandbox, 'url' | 'listMessages' | 'close'>;

/** The result of an SDK call: a response of axios, or an error, which the SDK does not throw. */
interface SdkResponse {
  readonly status?: number;
  readonly data?: Record<string, unknown>;
  readonly response?: { readonly status: number; readonly data: unknown };
}

type SdkCall = (...args: unknown[]) => Promise<SdkResponse>;

/** The SDK types its services as `any`. These are its documented calls. */
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
  SdkCall
>;

/**
 * Tests a sandbox with Infobip's official SDK.
 * @param start starts a sandbox that accepts only this API key
 */
export function testWithInfobipSdk(start: (options: { apiKey: string }) => Promise<SdkSandbox>) {
  let sandbox: SdkSandbox;

  beforeEach(async () => {
    sandbox = await start({ apiKey: 'the-key' });
  });

  afterEach(() => sandbox.close());

  const createSdk = (apiKey = 'the-key'): TwoFactorCalls => {
    const client = new Infobip({ baseUrl: sandbox.url, authType: AuthType.ApiKey, apiKey });
    return client.service.twoFA;
  };

  /** Expects the status and returns the body. */
  const readBody = async (
    call: Promise<SdkResponse>,
    status = 200,
  ): Promise<Record<string, unknown>> => {
    const response = await call;
    if (response instanceof Error) throw response;
    expect(response.status).toBe(status);
    return response.data ?? {};
  };

  it('creates an application and a template, sends, resends, verifies and reads the status', async () => {
    const sdk = createSdk();
    const { applicationId } = await readBody(sdk.createApplication({ name: 'shop' }), 201);
    const template = { messageText: '{{pin}} is your code', pinType: 'NUMERIC', pinLength: 6 };
    const { messageId } = await readBody(sdk.createMessageTemplate(applicationId, template));
    const request = { applicationId, messageId, to: PHONE_NUMBER };

    const { pinId } = await readBody(sdk.sendPINCodeSMS(request));
    await readBody(sdk.resendPINCodeSMS(pinId));
    await readBody(sdk.resendPINCodeVoice(pinId));

    const [call, resent, first] = await sandbox.listMessages(PHONE_NUMBER);
    expect([call?.channel, resent?.channel, first?.channel]).toEqual(['voice', 'sms', 'sms']);
    expect(first?.text).toMatch(/^\d{6} is your code$/);
    const verified = await readBody(sdk.verifyPhoneNumber(pinId, { pin: first?.pin }));
    expect(verified).toEqual({ pinId, msisdn: PHONE_NUMBER, verified: true, attemptsRemaining: 0 });
    const query = { msisdn: PHONE_NUMBER, verified: true, sent: true };
    const times = { sentAt: expect.any(Number), verifiedAt: expect.any(Number) };
    expect(await readBody(sdk.getVerificationStatus(applicationId, query))).toEqual({
      verifications: [{ msisdn: PHONE_NUMBER, verified: true, ...times }],
    });
    expect(
      await readBody(sdk.getVerificationStatus(applicationId, { msisdn: PHONE_NUMBER })),
    ).toHaveProperty('verifications');
  });

  it('updates and lists applications and templates, and calls a number', async () => {
    const sdk = createSdk();
    const { applicationId } = await readBody(sdk.createApplication({ name: 'shop' }), 201);
    const template = { messageText: '{{pin}}', pinType: 'NUMERIC' };
    const { messageId } = await readBody(sdk.createMessageTemplate(applicationId, template));

    await readBody(sdk.updateApplication(applicationId, { name: 'new', enabled: true }));
    await readBody(sdk.updateMessageTemplate(applicationId, messageId, { pinLength: 8 }));

    expect(await readBody(sdk.getApplications())).toContainEqual(
      expect.objectContaining({ applicationId, name: 'new' }),
    );
    expect(await readBody(sdk.getMessageTemplates(applicationId))).toMatchObject([
      { pinLength: 8 },
    ]);
    const call = await readBody(
      sdk.sendPINCodeVoice({ applicationId, messageId, to: PHONE_NUMBER }),
    );
    expect(call).toMatchObject({ callStatus: 'PENDING_ACCEPTED' });
  });

  it.each([
    [undefined, true],
    [true, true],
    [false, false],
  ])(
    'sends with ncNeeded=%s; the response has a look-up of the number: %s',
    async (ncNeeded, isLookedUp) => {
      const request = {
        applicationId: 'sandbox-application',
        messageId: 'sandbox-message',
        to: PHONE_NUMBER,
      };

      const response = await readBody(createSdk().sendPINCodeSMS(request, ncNeeded));

      expect('ncStatus' in response).toBe(isLookedUp);
    },
  );

  it('returns an error with status 401 for a wrong API key', async () => {
    const response = await createSdk('another').getApplications();

    expect(response).toBeInstanceOf(Error);
    expect(response.response).toMatchObject({ status: 401 });
  });
}
