import type { Agent, Test } from 'supertest';
import { seconds } from '../../src/common/durations.js';
import type { SandboxedService } from './service.js';

/** A client whose rules are observed, with a new number for each message. */
export interface ObservedClient {
  readonly http: Agent;
  readonly service: SandboxedService;
  /** A number of a mobile phone that nothing was sent to, in Switzerland unless given. */
  newNumber(prefix?: string): string;
}

/** A rule, and how its effect shows over HTTP. */
export interface RuleCase {
  /** The field in `CLIENTS_FILE`. */
  readonly field: string;
  readonly settings: NodeJS.ProcessEnv;
  readonly own: unknown;
  /** What a client does to show the rule. */
  readonly observe: (client: ObservedClient) => Promise<unknown>;
  readonly bySettings: unknown;
  readonly byOwnValue: unknown;
}

const send = ({ http }: ObservedClient, phoneNumber: string, body: object = {}): Test =>
  http.post('/otp/send').send({ phoneNumber, ...body });

const getLifetime = (client: ObservedClient, time: string): number =>
  Date.parse(time) - client.service.clock.now();

/** The text of the message that a client gets for its next send. */
async function getNextText(client: ObservedClient, body: object = {}): Promise<string> {
  const number = client.newNumber();
  await send(client, number, body).expect(200);
  const to = encodeURIComponent(number);
  const inbox = await fetch(`${client.service.sandboxUrl}/sandbox/messages?to=${to}`);
  const [message] = (await inbox.json()) as { text: string }[];
  return message?.text.replace(/\d+/, '…') ?? '';
}

/** The rules that a client can have of its own, each with a value that differs from the setting. */
export const RULE_CASES: readonly RuleCase[] = [
  {
    field: 'allowedCountries',
    settings: { ALLOWED_COUNTRIES: 'CH' },
    own: ['DE', 'AT'],
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
    own: [],
    observe: async (client) => (await send(client, client.newNumber('+4930'))).status,
    bySettings: 403,
    byOwnValue: 200,
  },
  {
    field: 'blockedPrefixes',
    settings: { BLOCKED_PREFIXES: '+4479' },
    own: ['+4178', '+4917'],
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
    own: ['+491511'],
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
    own: 'observe',
    observe: async (client) => {
      const statuses = new Set<number>();
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
    own: '90s',
    observe: async (client) => {
      const { body } = await send(client, client.newNumber());
      return getLifetime(client, (body as { expiresAt: string }).expiresAt);
    },
    bySettings: seconds(300),
    byOwnValue: seconds(90),
  },
  {
    field: 'otpMaxAttempts',
    settings: { OTP_MAX_ATTEMPTS: '4' },
    own: '2',
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
    own: 'de',
    observe: async (client) => [
      await getNextText(client),
      await getNextText(client, { locale: 'es' }),
    ],
    bySettings: ['… is your code. Do not share it.', '… es su código. No lo comparta.'],
    byOwnValue: ['… ist Ihr Code. Geben Sie ihn nicht weiter.', '… es su código. No lo comparta.'],
  },
];
