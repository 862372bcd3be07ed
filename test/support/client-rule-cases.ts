import type { Agent, Response, Test } from 'supertest';
import { minutes, seconds } from '../../src/common/durations.js';
import { listMessages } from './sandbox-calls.js';
import type { SandboxedService } from './service.js';
import { wrongCode } from './wrong-code.js';

/** A client of the service, and phone numbers for the requests that show its rules. */
export interface ObservedClient {
  readonly http: Agent;
  readonly service: SandboxedService;
  /** A number with this prefix that no other request has; by default a Swiss mobile number. */
  newNumber(prefix?: string): string;
  /** A number that the sandbox's look-up finds no phone for. */
  newUnreachableNumber(): string;
}

/** A rule, and how its effect shows over HTTP. */
export interface RuleCase {
  /** The field in `CLIENTS_FILE`. */
  readonly field: string;
  readonly settings: NodeJS.ProcessEnv;
  /** Whether an SQL statement applies the rule, so that it is tested on PostgreSQL too. */
  readonly isInDatabase?: true;
  /** The client's own value of the field. */
  readonly ownValue: unknown;
  /** Makes the requests that show the rule, and returns their effect. */
  readonly observe: (client: ObservedClient) => Promise<unknown>;
  /** What `observe` returns for a client without an own value. */
  readonly bySettings: unknown;
  /** What `observe` returns for a client with `ownValue`. */
  readonly byOwnValue: unknown;
}

const send = ({ http }: ObservedClient, phoneNumber: string, body: object = {}): Test =>
  http.post('/otp/send').send({ phoneNumber, ...body });

/** The milliseconds from now, by the service's clock, until an ISO time. */
const getMsUntil = (client: ObservedClient, time: string): number =>
  Date.parse(time) - client.service.clock.now();

/** Repeats a request until its status is 429, `max` times at most. @returns how many had no 429 */
async function countAllowed(max: number, request: () => PromiseLike<Response>): Promise<number> {
  for (let count = 0; count < max; count += 1) {
    const { status } = await request();
    if (status === 429) return count;
  }
  return max;
}

/** How many sends to one number are allowed, each after the cooldown. */
const countSendsToNumber = (client: ObservedClient): Promise<number> => {
  const number = client.newNumber();
  return countAllowed(5, () => {
    client.service.clock.advance(minutes(1));
    return send(client, number);
  });
};

/** How many wrong codes of one verification are checked. */
async function countWrongCodes(client: ObservedClient): Promise<number> {
  const number = client.newNumber();
  const { body } = await send(client, number);
  const { pinId } = body as { pinId: string };
  const [code = ''] = await client.service.getReceivedCodes(number);
  const otpCode = wrongCode(code);
  return countAllowed(9, () => client.http.post('/otp/verify').send({ pinId, otpCode }));
}

/** Sends a message and returns its text, with `…` in place of the code. */
async function getNextText(client: ObservedClient, body: object = {}): Promise<string> {
  const number = client.newNumber();
  await send(client, number, body).expect(200);
  const [message] = await listMessages(client.service.sandboxUrl, number);
  return message?.text.replace(/\d+/, '…') ?? '';
}

/** Every rule for which a client can have an own value, here one that differs from the setting. */
export const RULE_CASES: readonly RuleCase[] = [
  {
    field: 'allowedCountries',
    settings: { ALLOWED_COUNTRIES: 'CH' },
    ownValue: ['DE', 'AT'],
    observe: async (client) => [
      (await send(client, client.newNumber('+4179'))).status,
      (await send(client, client.newNumber('+491511'))).status,
    ],
    bySettings: [200, 403],
    byOwnValue: [403, 200],
  },
  {
    field: 'blockedNumberTypes',
    settings: { BLOCKED_NUMBER_TYPES: 'FIXED_LINE' },
    ownValue: [],
    observe: async (client) => (await send(client, client.newNumber('+4930'))).status,
    bySettings: 403,
    byOwnValue: 200,
  },
  {
    field: 'blockedPrefixes',
    settings: { BLOCKED_PREFIXES: '+4479' },
    ownValue: ['+4178', '+4917'],
    observe: async (client) => [
      (await send(client, client.newNumber('+4178'))).status,
      (await send(client, client.newNumber('+44783'))).status,
      (await send(client, client.newNumber('+44793'))).status,
    ],
    bySettings: [200, 200, 403],
    byOwnValue: [403, 200, 200],
  },
  {
    field: 'trustedPrefixes',
    settings: { ALLOWED_COUNTRIES: 'CH', TRUSTED_PREFIXES: '+4478' },
    ownValue: ['+491511'],
    observe: async (client) => [
      (await send(client, client.newNumber('+4178'))).status,
      (await send(client, client.newNumber('+44783'))).status,
      (await send(client, client.newNumber('+491511'))).status,
    ],
    bySettings: [200, 200, 403],
    byOwnValue: [200, 403, 200],
  },
  {
    field: 'pumpingGuard',
    settings: { PUMPING_GUARD: 'enforce', PUMPING_FLOOR_PER_HOUR: '1', PUMPING_FLOOR_PER_DAY: '1' },
    ownValue: 'observe',
    observe: async (client) => {
      const statuses = new Set<number>();
      // The floor of 1 and the burst allowance of 10 permit 11 unverified messages of a prefix.
      for (let i = 0; i < 13; i += 1) {
        statuses.add((await send(client, client.newNumber())).status);
      }
      return [...statuses];
    },
    bySettings: [200, 429],
    byOwnValue: [200],
  },
  {
    field: 'otpTtl',
    settings: { OTP_TTL: '5m' },
    ownValue: '90s',
    observe: async (client) => {
      const { body } = await send(client, client.newNumber());
      return getMsUntil(client, (body as { expiresAt: string }).expiresAt);
    },
    bySettings: seconds(300),
    byOwnValue: seconds(90),
  },
  {
    field: 'otpMaxAttempts',
    settings: { OTP_MAX_ATTEMPTS: '4' },
    ownValue: '2',
    observe: async (client) => {
      const { body: sent } = await send(client, client.newNumber());
      const { body } = await client.http.get(`/otp/${(sent as { pinId: string }).pinId}`);
      return (body as { attemptsRemaining: number }).attemptsRemaining;
    },
    bySettings: 4,
    byOwnValue: 2,
  },
  {
    field: 'locale',
    settings: {},
    ownValue: 'de',
    observe: async (client) => [
      await getNextText(client),
      await getNextText(client, { locale: 'es' }),
    ],
    bySettings: ['… is your code. Do not share it.', '… es su código. No lo comparta.'],
    byOwnValue: ['… ist Ihr Code. Geben Sie ihn nicht weiter.', '… es su código. No lo comparta.'],
  },
  {
    field: 'sendCooldown',
    isInDatabase: true,
    settings: { SEND_COOLDOWN: '60s' },
    ownValue: '5s',
    observe: async (client) => {
      const number = client.newNumber();
      const { body } = await send(client, number);
      const { resendAvailableAt } = body as { resendAvailableAt: string };
      const cooldownMs = getMsUntil(client, resendAvailableAt);
      client.service.clock.advance(seconds(5));
      return [cooldownMs, (await send(client, number)).status];
    },
    bySettings: [seconds(60), 429],
    byOwnValue: [seconds(5), 200],
  },
  {
    field: 'sendsPerNumberPerDay',
    isInDatabase: true,
    settings: { SENDS_PER_NUMBER_PER_DAY: '2' },
    ownValue: '3',
    observe: countSendsToNumber,
    bySettings: 2,
    byOwnValue: 3,
  },
  {
    field: 'failedAttemptsPerNumberPerHour',
    isInDatabase: true,
    settings: { FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '3', OTP_MAX_ATTEMPTS: '10' },
    ownValue: '2',
    observe: countWrongCodes,
    bySettings: 3,
    byOwnValue: 2,
  },
  {
    field: 'failedAttemptsPerNumberPerDay',
    isInDatabase: true,
    settings: { FAILED_ATTEMPTS_PER_NUMBER_PER_DAY: '2', OTP_MAX_ATTEMPTS: '10' },
    ownValue: '4',
    observe: countWrongCodes,
    bySettings: 2,
    byOwnValue: 4,
  },
  {
    field: 'clientSendsPerDay',
    settings: { CLIENT_SENDS_PER_DAY: '2' },
    ownValue: '3',
    observe: (client) => countAllowed(5, () => send(client, client.newNumber())),
    bySettings: 2,
    byOwnValue: 3,
  },
  {
    field: 'clientWrongCodesPerDay',
    settings: { CLIENT_WRONG_CODES_PER_DAY: '3', OTP_MAX_ATTEMPTS: '10' },
    ownValue: '2',
    observe: countWrongCodes,
    bySettings: 3,
    byOwnValue: 2,
  },
  {
    field: 'clientUnreachablePerDay',
    settings: { CLIENT_UNREACHABLE_PER_DAY: '2' },
    ownValue: '3',
    observe: (client) => countAllowed(5, () => send(client, client.newUnreachableNumber())),
    bySettings: 2,
    byOwnValue: 3,
  },
  {
    field: 'sendsPerEndUserIpPerHour',
    isInDatabase: true,
    settings: { SENDS_PER_END_USER_IP_PER_HOUR: '2' },
    ownValue: '3',
    observe: (client) =>
      countAllowed(5, () => send(client, client.newNumber(), { endUserIp: '192.0.2.7' })),
    bySettings: 2,
    byOwnValue: 3,
  },
  {
    field: 'throttleSendLimit',
    settings: { THROTTLE_SEND_LIMIT: '2' },
    ownValue: '3',
    observe: (client) => countAllowed(5, () => send(client, client.newNumber())),
    bySettings: 2,
    byOwnValue: 3,
  },
  {
    field: 'throttleVerifyLimit',
    settings: { THROTTLE_VERIFY_LIMIT: '2' },
    ownValue: '3',
    observe: (client) => countAllowed(5, () => client.http.get('/otp/x')),
    bySettings: 2,
    byOwnValue: 3,
  },
  {
    field: 'providers',
    settings: { PROVIDERS: 'infobip,sinch', PROVIDER_ROUTES: 'CH:infobip' },
    ownValue: ['sinch'],
    observe: (client) => getNextText(client),
    bySettings: '… is your code. Do not share it.',
    byOwnValue: 'Your code is …',
  },
  {
    field: 'infobipMessageId',
    settings: {},
    ownValue: 'sandbox-message-fr',
    observe: async (client) => [
      await getNextText(client),
      // The service has a Spanish template, but a client with an own template does not use it.
      (await getNextText(client, { locale: 'es' })).includes('es su código'),
    ],
    bySettings: ['… is your code. Do not share it.', true],
    byOwnValue: [expect.stringContaining('votre code'), false],
  },
  {
    field: 'infobipMessageIds',
    settings: {},
    ownValue: { es: 'sandbox-message-de' },
    observe: (client) => getNextText(client, { locale: 'es' }),
    bySettings: '… es su código. No lo comparta.',
    byOwnValue: '… ist Ihr Code. Geben Sie ihn nicht weiter.',
  },
];
