import { PhoneNumber } from '../../src/common/phone-number.js';
import { seconds } from '../../src/common/durations.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

/** Numbers of twenty countries that cost the sender extra, or that belong to no phone with a display. */
const BLOCKED: readonly (readonly [country: string, type: string, e164: string])[] = [
  ['US', 'PREMIUM_RATE', '+19007685518'],
  ['GB', 'PREMIUM_RATE', '+449002258373'],
  ['GB', 'PAGER', '+447662500842'],
  ['DE', 'SHARED_COST', '+491800295897'],
  ['DE', 'PREMIUM_RATE', '+491377191637'],
  ['DE', 'PAGER', '+491697136566'],
  ['DE', 'UAN', '+4918518534186'],
  ['FR', 'PREMIUM_RATE', '+33850147985'],
  ['FR', 'SHARED_COST', '+33884398235'],
  ['IT', 'PREMIUM_RATE', '+39087876834'],
  ['IT', 'VOICEMAIL', '+3937420063099'],
  ['ES', 'SHARED_COST', '+34901687150'],
  ['ES', 'PREMIUM_RATE', '+34806079639'],
  ['NL', 'PREMIUM_RATE', '+319009025157'],
  ['BE', 'PREMIUM_RATE', '+3270790667'],
  ['AT', 'PREMIUM_RATE', '+4390082133233'],
  ['AT', 'SHARED_COST', '+43828526736'],
  ['CH', 'PREMIUM_RATE', '+41900899858'],
  ['SE', 'PREMIUM_RATE', '+4690030039'],
  ['DK', 'PREMIUM_RATE', '+4590910727'],
  ['FI', 'PREMIUM_RATE', '+358700617476'],
  ['PL', 'PREMIUM_RATE', '+48706410171'],
  ['PT', 'PREMIUM_RATE', '+351762392742'],
  ['AU', 'SHARED_COST', '+61138882'],
  ['BR', 'PREMIUM_RATE', '+559005270151'],
  ['TR', 'PREMIUM_RATE', '+909004367784'],
  ['ZA', 'PREMIUM_RATE', '+27902487626'],
  ['MX', 'PREMIUM_RATE', '+529009860372'],
  ['GR', 'SHARED_COST', '+308067060532'],
  ['NZ', 'PREMIUM_RATE', '+649008290733'],
];

/** Numbers that no numbering plan of these countries has. Some have the right length. */
const INVALID = [
  ...['+15550001111', '+10000000000', '+440000000000', '+49000000000', '+33000000000'],
  ...['+393', '+341', '+311', '+321', '+431', '+411', '+461', '+4512', '+3581', '+481'],
  ...['+3511', '+611', '+551', '+901', '+271', '+521', '+301', '+641', '+999123456789'],
  ...['+1415555267100000', '+49301234567890123', '+0014155552671'],
];

describe('Allowed destinations', () => {
  let service: SandboxedService;

  const start = async (settings: NodeJS.ProcessEnv = {}) => {
    service = await startSandboxedService({ THROTTLE_SEND_LIMIT: '1000', ...settings });
  };
  const send = (phoneNumber: string) => service.http.post('/otp/send').send({ phoneNumber });

  afterEach(() => service.close());

  it('rejects premium-rate and similar numbers of twenty countries, without a message', async () => {
    await start();
    expect(new Set(BLOCKED.map(([country]) => country)).size).toBeGreaterThanOrEqual(20);
    for (const [country, type, e164] of BLOCKED) {
      expect(PhoneNumber.parse(e164)).toMatchObject({ country, type });
      expectProblem(await send(e164), 403, 'destination_not_allowed');
      expect(await service.getReceivedCodes(e164)).toEqual([]);
    }
  });

  it('rejects invalid numbers, without a message', async () => {
    await start();
    for (const e164 of INVALID) {
      const response = await send(e164);

      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors[0].pointer).toBe('#/phoneNumber');
      expect(await service.getReceivedCodes(e164)).toEqual([]);
    }
  });

  it('allows only the countries in ALLOWED_COUNTRIES', async () => {
    await start({ ALLOWED_COUNTRIES: 'us, ch' });

    await send('+14155552671').expect(200);
    await send('+41793026727').expect(200);
    expectProblem(await send('+4915112345678'), 403, 'destination_not_allowed');
    expectProblem(await send('+80012345678'), 403, 'destination_not_allowed');
    expect(await service.getReceivedCodes('+4915112345678')).toEqual([]);
  });

  it.each([
    ['+870773111632', 'Inmarsat'],
    ['+881612345678', 'a satellite network'],
    ['+88210123456', 'an international network'],
    ['+883510012345678', 'an international network'],
    ['+878101234567890', 'a personal number of no country'],
    ['+80012345678', 'a freephone number of no country'],
    ['+80812345678', 'a shared-cost number of no country'],
    ['+979123456789', 'a premium-rate number of no country'],
  ])('rejects %s (%s), which ALLOWED_COUNTRIES=* does not include', async (number) => {
    await start({ BLOCKED_NUMBER_TYPES: 'none', ALLOWED_COUNTRIES: '*' });
    const response = await send(number);

    expectProblem(response, 403, 'destination_not_allowed');
    expect(response.body.detail).toContain('numbers of no country');
    expect(await service.getReceivedCodes(number)).toEqual([]);
  });

  it.each(['*,001', 'CH, 001'])(
    'allows numbers of no country (001) with ALLOWED_COUNTRIES=%s',
    async (list) => {
      await start({ ALLOWED_COUNTRIES: list });

      await send('+870773111632').expect(200);
      await send('+41793026727').expect(200);
    },
  );

  it.each([
    ['+447912345678', 'GB'],
    ['+447911123456', 'GG'],
    ['+447781123456', 'GG'],
    ['+447797123456', 'JE'],
    ['+447624123456', 'IM'],
  ])('counts %s as a number of %s', async (number, country) => {
    await start({ ALLOWED_COUNTRIES: 'GB' });
    expect((await send(number)).status).toBe(country === 'GB' ? 200 : 403);
    await service.close();

    await start({ ALLOWED_COUNTRIES: country });
    await send(number).expect(200);
  });

  it.each(['+447012345678', '+15005551234'])('rejects the personal number %s', async (number) => {
    await start();

    expectProblem(await send(number), 403, 'destination_not_allowed');
    expect(await service.getReceivedCodes(number)).toEqual([]);
  });

  it('rejects a message to a number that is surely a fixed line, but allows a call', async () => {
    await start();
    const phoneNumber = '+4930123456';
    const response = await send(phoneNumber);
    expectProblem(response, 403, 'destination_not_allowed');
    expect(response.body.detail).toBe(
      'Messages by sms to this number type are blocked. ' +
        'Use another channel such as voice, or ask the end user for another number.',
    );

    const call = { phoneNumber, channel: 'voice' };
    const { body } = await service.http.post('/otp/send').send(call).expect(200);
    expect(await service.getReceivedChannels(phoneNumber)).toEqual(['voice']);

    const resend = (channel?: string) =>
      service.http.post('/otp/resend').send({ pinId: body.pinId, channel });
    service.clock.advance(seconds(30));
    expectProblem(await resend(), 403, 'destination_not_allowed');
    expectProblem(await resend('sms'), 403, 'destination_not_allowed');
    await resend('voice').expect(200);
    expect(await service.getReceivedChannels(phoneNumber)).toEqual(['voice', 'voice']);
  });

  it('suggests no channel to a number whose type is blocked on sms and voice', async () => {
    await start({ BLOCKED_NUMBER_TYPES: 'sms:FIXED_LINE, voice:FIXED_LINE' });
    const response = await send('+4930123456');

    expectProblem(response, 403, 'destination_not_allowed');
    expect(response.body.detail).toBe(
      'Messages by sms to this number type are blocked. Do not retry. Ask the end user for another number.',
    );
  });

  it('sends a message to a number that may be a mobile phone', async () => {
    await start();
    expect(PhoneNumber.parse('+14155552671')).toMatchObject({ type: 'FIXED_LINE_OR_MOBILE' });

    await send('+14155552671').expect(200);
  });

  it('sends to numbers of the right length with NUMBER_CHECK=possible', async () => {
    // Area code 555 is not in the numbering plan.
    const newRange = '+15552345678';
    await start();
    expectProblem(await send(newRange), 400, 'validation_failed');
    await service.close();

    await start({ NUMBER_CHECK: 'possible', ALLOWED_COUNTRIES: 'US' });
    await send(newRange).expect(200);
    expectProblem(await send('+155523456'), 400, 'validation_failed');
    // Guernsey, which is not an allowed country, and a premium-rate number.
    expectProblem(await send('+441481123456'), 403, 'destination_not_allowed');
    expectProblem(await send('+19007685518'), 403, 'destination_not_allowed');
  });

  it('blocks only the number types in BLOCKED_NUMBER_TYPES', async () => {
    await start({ BLOCKED_NUMBER_TYPES: 'FIXED_LINE' });

    await send('+19007685518').expect(200);
    expectProblem(await send('+4930123456'), 403, 'destination_not_allowed');
  });

  it('shows the number neither in the rejection nor in the log', async () => {
    await start({ ALLOWED_COUNTRIES: 'CH' });
    const { text } = await send('+14155552671');

    expect(text).not.toContain('4155552671');
    expect(service.log.text).not.toContain('4155552671');
  });

  it('warns in production if ALLOWED_COUNTRIES allows every country', async () => {
    await start({
      NODE_ENV: 'production',
      API_KEYS: `shop:${'0'.repeat(64)}`,
      INFOBIP_API_KEY: 'key',
      INFOBIP_APP_ID: 'application',
      INFOBIP_MESSAGE_ID: 'message',
    });

    expect(service.log.text).toContain('ALLOWED_COUNTRIES is *');
  });
});
