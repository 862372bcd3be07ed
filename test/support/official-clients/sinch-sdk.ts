import { VerificationService } from '@sinch/verification';
import { SINCH_APPLICATION, type TestSandbox } from '../sandbox.js';

type SdkSandbox = Pick<TestSandbox, 'url' | 'listMessages' | 'close'>;

const NUMBER = '+41793026727';
const identity = { type: 'number', endpoint: NUMBER } as const;

/** Tests a sandbox with Sinch's official SDK. */
export function testWithSinchSdk(start: () => Promise<SdkSandbox>) {
  let sandbox: SdkSandbox;
  let client: VerificationService;

  beforeEach(async () => {
    sandbox = await start();
    client = createClient(SINCH_APPLICATION.secret);
  });

  afterEach(() => sandbox.close());

  const createClient = (secret: string) =>
    new VerificationService({
      applicationKey: SINCH_APPLICATION.key,
      applicationSecret: secret,
      verificationHostname: sandbox.url,
      logger: null,
    });

  const readCode = async () => (await sandbox.listMessages(NUMBER))[0]?.pin ?? '';

  it('starts a verification by SMS, reports the correct code and reads the status', async () => {
    const { verifications, verificationStatus } = client;
    const start = await verifications.startSms({
      startVerificationWithSmsRequestBody: {
        identity,
        reference: 'signup-7f3a',
        smsOptions: { codeType: 'Alphanumeric', expiry: '00:05:00', locale: 'sv-SE' },
      },
    });
    expect(start).toMatchObject({ method: 'sms', sms: { codeType: 'Alphanumeric' } });
    const id = start.id ?? '';
    expect(await verificationStatus.getById({ id })).toMatchObject({ status: 'PENDING' });

    const code = await readCode();
    const report = { id, reportSmsVerificationByIdRequestBody: { sms: { code } } };
    expect(await verifications.reportSmsById(report)).toMatchObject({ id, status: 'SUCCESSFUL' });

    const status = { id, status: 'SUCCESSFUL', countryId: 'CH' };
    expect(await verificationStatus.getByReference({ reference: 'signup-7f3a' })).toMatchObject(
      status,
    );
    expect(
      await verificationStatus.getByIdentity({ endpoint: NUMBER, method: 'sms' }),
    ).toMatchObject(status);
  });

  it('reports a wrong code by number', async () => {
    await client.verifications.startSms({ startVerificationWithSmsRequestBody: { identity } });

    const report = {
      endpoint: NUMBER,
      reportSmsVerificationByIdentityRequestBody: { sms: { code: 'wrong' } },
    };

    expect(await client.verifications.reportSmsByIdentity(report)).toMatchObject({
      status: 'FAIL',
      reason: 'Invalid code',
    });
  });

  it('starts a verification by phone call and reports the code', async () => {
    const { verifications, verificationStatus } = client;
    const start = await verifications.startPhoneCall({
      startVerificationWithPhoneCallRequestBody: {
        identity,
        phoneCallOptions: { speech: { locale: 'en-GB' } },
      },
    });
    expect(start).toMatchObject({ method: 'callout' });
    expect(await sandbox.listMessages(NUMBER)).toMatchObject([
      { channel: 'voice', provider: 'sinch' },
    ]);

    const id = start.id ?? '';
    const code = await readCode();
    const report = { id, reportPhoneCallVerificationByIdRequestBody: { phoneCall: { code } } };
    expect(await verifications.reportPhoneCallById(report)).toMatchObject({
      status: 'SUCCESSFUL',
      callComplete: true,
    });
    expect(await verificationStatus.getById({ id })).toMatchObject({
      method: 'callout',
      callResult: 'ANSWERED',
    });
  });

  it('starts a verification by WhatsApp, reports the code and reads the status', async () => {
    const { verifications, verificationStatus } = client;
    const start = await verifications.startWhatsApp({
      startVerificationWithWhatsAppRequestBody: {
        identity,
        whatsappOptions: { codeType: 'Numeric' },
      },
    });
    expect(start).toMatchObject({ method: 'whatsapp', whatsapp: { codeType: 'Numeric' } });
    const [message] = await sandbox.listMessages(NUMBER);
    expect(message).toMatchObject({ channel: 'whatsapp', provider: 'sinch', pinId: start.id });

    const id = start.id ?? '';
    const code = message?.pin ?? '';
    const report = { id, reportWhatsAppVerificationByIdRequestBody: { whatsapp: { code } } };
    expect(await verifications.reportWhatsAppById(report)).toMatchObject({
      id,
      method: 'whatsapp',
      status: 'SUCCESSFUL',
    });
    expect(
      await verificationStatus.getByIdentity({ endpoint: NUMBER, method: 'whatsapp' }),
    ).toMatchObject({ method: 'whatsapp', status: 'SUCCESSFUL' });
  });

  it('starts verifications by flash call, WhatsApp and mobile data', async () => {
    const { verifications } = client;
    const flash = await verifications.startFlashCall({
      startVerificationWithFlashCallRequestBody: {
        identity,
        flashCallOptions: { dialTimeout: 30, interceptionTimeout: 30 },
      },
    });
    const cli = await readCode();
    expect(cli).toMatch(new RegExp(`^${flash.flashCall?.cliFilter ?? ''}$`));
    const flashReport = {
      id: flash.id ?? '',
      reportFlashCallVerificationByIdRequestBody: { flashCall: { cli } },
    };
    expect(await verifications.reportFlashCallById(flashReport)).toMatchObject({
      status: 'SUCCESSFUL',
    });

    const chat = await verifications.startWhatsApp({
      startVerificationWithWhatsAppRequestBody: {
        identity,
        whatsappOptions: { codeType: 'Alpha' },
      },
    });
    const code = await readCode();
    expect(code).toMatch(/^[A-Z]{4}$/);
    expect(
      await verifications.reportWhatsAppById({
        id: chat.id ?? '',
        reportWhatsAppVerificationByIdRequestBody: { whatsapp: { code } },
      }),
    ).toMatchObject({ status: 'SUCCESSFUL' });

    const data = await verifications.startData({
      startDataVerificationRequestBody: { identity },
    });
    expect((await fetch(data.seamless?.targetUri ?? '')).status).toBe(204);
    expect(await client.verificationStatus.getById({ id: data.id })).toMatchObject({
      method: 'seamless',
      status: 'SUCCESSFUL',
    });
  });

  it('returns 401 for a wrong secret and 404 for an unknown verification', async () => {
    const other = createClient(Buffer.from('another').toString('base64'));

    await expect(other.verificationStatus.getById({ id: 'none' })).rejects.toMatchObject({
      statusCode: 401,
    });
    await expect(client.verificationStatus.getById({ id: 'none' })).rejects.toMatchObject({
      statusCode: 404,
    });
  });
}
