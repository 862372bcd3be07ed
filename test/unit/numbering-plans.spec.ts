import { readFileSync } from 'node:fs';
import { CHANNELS, type Channel } from '../../src/common/channel.js';
import { readClientRules } from '../../src/clients/client-rules.js';
import { DomainError } from '../../src/common/domain-error.js';
import { PhoneNumber, type NumberType } from '../../src/common/phone-number.js';
import { NumberPolicy } from '../../src/destinations/number-policy.js';
import { readConfig, testEnvironment } from '../support/config.js';
import { phoneNumber } from '../support/phone-number.js';
import { ACCEPTED, REFUSED } from '../support/untidy-phone-numbers.js';

/** A number, and its type by Google's own code, which the service does not use. */
interface Example {
  readonly region: string;
  readonly type: NumberType;
  readonly e164: string;
}

/** Types of numbers that charge the caller or cannot show a code. */
const UNSUITABLE: readonly NumberType[] = [
  'PREMIUM_RATE',
  'SHARED_COST',
  'PERSONAL_NUMBER',
  'UAN',
  'PAGER',
  'VOICEMAIL',
];
/** The default of BLOCKED_NUMBER_TYPES: a fixed line can get only calls. */
const BLOCKED: Readonly<Record<Channel, readonly NumberType[]>> = {
  sms: [...UNSUITABLE, 'FIXED_LINE'],
  voice: UNSUITABLE,
  whatsapp: UNSUITABLE,
};

/** A number of a type that Google's examples leave out, and numbers of no country. */
const FURTHER_EXAMPLES: readonly Example[] = [
  { region: 'IT', type: 'VOICEMAIL', e164: '+3937420063099' },
  { region: '001', type: 'TOLL_FREE', e164: '+80012345678' },
  { region: '001', type: 'SHARED_COST', e164: '+80812345678' },
  { region: '001', type: 'MOBILE', e164: '+870773111632' },
  { region: '001', type: 'MOBILE', e164: '+881612345678' },
  { region: '001', type: 'PREMIUM_RATE', e164: '+979123456789' },
];

/** Regions whose plan has no mobile numbers: libphonenumber-js calls their lines fixed or mobile. */
const WITHOUT_MOBILE_NUMBERS = ['TA'];

/**
 * By region and type, from `getExampleNumberForType` of Google's libphonenumber 9.0.24; without four
 * numbers of Benin, Botswana and Zimbabwe that later plans removed or gave another type.
 */
const GOOGLE_EXAMPLES = JSON.parse(
  readFileSync('test/fixtures/example-numbers.json', 'utf8'),
) as Record<string, Record<string, string>>;

const EXAMPLES: readonly Example[] = [
  ...Object.entries(GOOGLE_EXAMPLES).flatMap(([region, examples]) =>
    Object.entries(examples).map(([name, e164]) => {
      const isUnclear = name === 'FIXED_LINE' && WITHOUT_MOBILE_NUMBERS.includes(region);
      const type = (isUnclear ? 'FIXED_LINE_OR_MOBILE' : name) as NumberType;
      return { region, type, e164 };
    }),
  ),
  ...FURTHER_EXAMPLES,
];

/** A `+` and seven digits: shorter numbers cannot be called from abroad. */
const MIN_LENGTH = 8;

/** An Argentine line is one phone with the mobile number of its digits, which gets its messages. */
function getExpected({ region, type, e164 }: Example, channel: Channel) {
  if (e164.length < MIN_LENGTH) return { identity: undefined, outcome: 'validation_failed' };
  const isArgentineLine = region === 'AR' && type === 'FIXED_LINE';
  const identity = isArgentineLine ? e164.replace('+54', '+549') : e164;
  const messagedType = isArgentineLine && channel !== 'voice' ? 'MOBILE' : type;
  const isBlocked = region === '001' || BLOCKED[channel].includes(messagedType);
  return { identity, outcome: isBlocked ? 'destination_not_allowed' : 'allowed' };
}

describe('With default settings', () => {
  const { destinations, service } = readConfig(testEnvironment());
  const policy = new NumberPolicy(destinations, service);
  const rules = readClientRules(testEnvironment()).destinations;

  function getOutcome(number: PhoneNumber | undefined, channel: Channel): string {
    if (!number) return 'validation_failed';
    try {
      policy.check(number.forChannel(channel), channel, rules, 0);
      return 'allowed';
    } catch (error) {
      if (error instanceof DomainError) return error.code;
      throw error;
    }
  }

  it.each(CHANNELS)(
    'an example of each type in each region is allowed or blocked by %s',
    (channel) => {
      const rows = EXAMPLES.map((example) => {
        const number = PhoneNumber.parse(example.e164);
        const actual = { identity: number?.identity, outcome: getOutcome(number, channel) };
        return { ...example, actual, expected: getExpected(example, channel) };
      });

      expect(rows.length).toBeGreaterThan(1_100);
      expect(new Set(rows.map(({ region }) => region)).size).toBeGreaterThan(240);
      expect(rows.map(({ e164, actual }) => ({ e164, ...actual }))).toEqual(
        rows.map(({ e164, expected }) => ({ e164, ...expected })),
      );
    },
  );

  it('each example has the same type as in Google’s code', () => {
    const types = EXAMPLES.map(({ e164 }) => ({ e164, type: PhoneNumber.fromE164(e164).type }));

    expect(types).toEqual(EXAMPLES.map(({ e164, type }) => ({ e164, type })));
  });

  it('the identity of an identity is that identity', () => {
    const getIdentity = (e164: string) => PhoneNumber.fromE164(e164).identity;
    const identities = EXAMPLES.map(({ e164 }) => getIdentity(e164));

    expect(identities.map(getIdentity)).toEqual(identities);
  });

  it.each([
    ['+15550001111', 'no area of its country'],
    ['+441481123456', 'no number of Guernsey'],
    ['+39612345678', 'an Italian fixed line without its zero'],
    ['+33690123456', 'a number of Guadeloupe as one of France'],
  ])('%s is not valid in its country (%s)', (text) => {
    const outcomes = CHANNELS.map((channel) => getOutcome(phoneNumber(text), channel));

    expect(outcomes).toEqual(CHANNELS.map(() => 'validation_failed'));
  });
});

describe('An untidy spelling of a phone number', () => {
  it.each(ACCEPTED)('has the identity of its number ($what)', ({ text, e164 }) => {
    expect(PhoneNumber.parse(text)?.identity).toBe(e164);
  });

  it.each(REFUSED)('has none if it is refused ($what)', ({ text }) => {
    expect(PhoneNumber.parse(text)).toBeUndefined();
  });
});

/** Pairs of numbers that may be two phones, or of which only one number is in use. */
const PAIRS = [
  ['a Brazilian radio phone with eight digits', '+551178123456', '+5511978123456'],
  ['an Ivorian number of before 2021', '+22507123456', '+2250707123456'],
  ['a Vietnamese number of before 2018', '+841201234567', '+84701234567'],
  ['a Colombian fixed line of before 2021', '+5712345678', '+576012345678'],
  ['a Kosovar number under Monaco', '+37744123456', '+38344123456'],
  ['a Gabonese number of before 2019', '+24106123456', '+24166123456'],
  ['an Italian line without its zero', '+39612345678', '+390612345678'],
  ['a number of Guadeloupe under France', '+33690123456', '+590690123456'],
  ['an Argentine freephone number', '+548001234567', '+5498001234567'],
] as const;

describe('Numbers of two phones', () => {
  it.each(PAIRS)('have two identities, or are refused (%s)', (_what, first, second) => {
    const identities = [first, second].map((text) => PhoneNumber.parse(text)?.identity);

    expect(identities[0] === undefined || identities[0] === first).toBe(true);
    expect(identities[1] === undefined || identities[1] === second).toBe(true);
  });
});
