import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom } from '../support/seeded-random.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';
import { STEPS } from '../support/leak/user-flow.js';
import {
  runScenario,
  OUTPUTS,
  type TestRun,
  type CollectedOutput,
} from '../support/leak/run-scenario.js';
import { SecretFactory } from '../support/leak/secret-factory.js';
import { seedOfFile } from '../support/seed.js';

const FLOWS = 2_000;
/** Few, because many requests wait for a timeout in an outage. */
const OUTAGE_FLOWS = 60;
const TIMEOUT_MS = 240_000;
const SEED = seedOfFile('leak');

/** A text that each output has after every scenario: an empty output would contain no secret. */
const EXPECTED_TEXTS: Readonly<Record<(typeof OUTPUTS)[number], string>> = {
  log: '"route":"/otp/verify"',
  'error bodies': '"code":"validation_failed"',
  'success bodies': '"pinId":""',
  headers: '"content-type":"application/json',
  metrics: 'otp_sends_total',
  traces: '"name":"POST /otp/send"',
  'command line': 'main.js',
};

let random: SeededRandom;
let secrets: SecretFactory;
let output: CollectedOutput;

beforeAll(() => {
  random = new SeededRandom(SEED);
  secrets = new SecretFactory(random.for('secrets'));
});

describe('After thousands of random flows, invalid requests and provider failures', () => {
  beforeAll(async () => {
    const runSteps = async ({ runInAllFlows }: TestRun) => {
      for (const step of STEPS) await runInAllFlows(step);
    };
    output = await runScenario({ random, secrets, flows: FLOWS, settings: {}, runSteps });
  }, TIMEOUT_MS);

  it.each([
    'otp_sends_total outcome="accepted"',
    'otp_sends_total outcome="ambiguous"',
    'otp_sends_total provider="sinch"',
    'otp_resends_total outcome="accepted"',
    'otp_verifications_total outcome="verified"',
    'otp_verifications_total outcome="wrong_code"',
    'otp_verifications_total outcome="unknown"',
    'otp_fraud_checks_total decision="would_block"',
    'otp_delivery_reports_refused_total reason="unknown_id"',
    'otp_delivery_reports_refused_total reason="signature"',
    'otp_events_total outcome="failed"',
    ...[
      'rejected',
      'unauthorized',
      'throttled',
      'server_error',
      'invalid_response',
      'timed_out',
      'connection_lost',
    ].map((outcome) => `otp_provider_calls_total outcome="${outcome}"`),
    ...[
      'validation_failed',
      'malformed_body',
      'unauthenticated',
      'payload_too_large',
      'unsupported_media_type',
      'method_not_allowed',
      'not_found',
      'verification_not_found',
      'idempotency_key_reused',
      'reference_mismatch',
    ].map((reason) => `otp_rejections_total reason="${reason}"`),
  ])('the metrics have %s', (sample) => {
    const [name = '', label = ''] = sample.split(' ');

    expect(output.metrics).toMatch(new RegExp(`^${name}{.*${label}.*} [1-9]`, 'm'));
  });

  it('the success bodies have proofs, whose claims and signatures are secrets', () => {
    expect(output['success bodies']).toContain('{"verified":true,"proof":""}');
  });

  it.each(['POST /otp/send', 'GET /otp/:pinId', 'storage reserveAttempt', 'sinch send'])(
    'the traces have spans with the name %s',
    (name) => {
      expect(output.traces).toContain(`"name":"${name}"`);
    },
  );

  itLeaksNoSecret();
});

describe('After random flows while PostgreSQL and Redis stop and start', () => {
  let postgres: PostgresServer;
  let redis: RedisServer;

  beforeAll(async () => {
    [postgres, redis] = await Promise.all([
      startPostgres({ dedicated: true }),
      startRedis({ dedicated: true }),
    ]);
    const settings = {
      DATABASE_URL: withPassword(await postgres.createDatabase()),
      REDIS_URL: withPassword(redis.url),
    };
    const runSteps = async ({ url, runInAllFlows }: TestRun) => {
      for (const step of STEPS) {
        await runInAllFlows(step);
        for (const server of [postgres, redis]) {
          await Promise.all([runInAllFlows(step), server.shutDown()]);
          await runInAllFlows(step);
          await server.restart();
          await waitUntilReady(url);
        }
      }
    };
    output = await runScenario({ random, secrets, flows: OUTAGE_FLOWS, settings, runSteps });
  }, TIMEOUT_MS);

  afterAll(() => Promise.all([postgres.stop(), redis.stop()]));

  it.each(['ok', 'failed'])(
    'the metrics have storage operations with the outcome %s',
    (outcome) => {
      expect(output.metrics).toMatch(
        new RegExp(`^otp_storage_operation_duration_seconds_count{.*"${outcome}"} [1-9]\\d`, 'm'),
      );
    },
  );

  it('the log has errors', () => {
    expect(output.log).toContain('The database failed.');
    expect(output.log).toContain('Redis is not available');
  });

  itLeaksNoSecret();
});

function itLeaksNoSecret(): void {
  it.each(OUTPUTS)('no secret is in the %s', (name) => {
    expect(output[name]).toContain(EXPECTED_TEXTS[name]);
    expect(secrets.scanner.scan(output[name]).slice(0, 5)).toEqual([]);
  });

  it.each(OUTPUTS)('a secret would be found in the %s', (name) => {
    const number = secrets.createPhoneNumber();

    const [match] = secrets.scanner.scan(`${number}${output[name]}`);
    expect(match).toMatchObject({ kind: 'number' });
  });
}

/** Adds a password, which the servers ignore. */
function withPassword(url: string): string {
  const { hostname, port, pathname, protocol, username } = new URL(url);
  return `${protocol}//${username}:${secrets.createCredential()}@${hostname}:${port}${pathname}`;
}

async function waitUntilReady(url: string): Promise<void> {
  while (!(await fetch(`${url}/health/ready`)).ok) await delay(20);
}
