import { createHash } from 'node:crypto';
import { Pool } from 'undici';
import { seconds } from '../../../src/common/durations.js';
import type { ProviderName } from '../../../src/common/provider-name.js';
import { InfobipCodeLengths } from '../../../src/providers/infobip/infobip.code-lengths.js';
import { startSandbox, type Sandbox } from '../../../src/sandbox/sandbox.js';
import { CleanupService } from '../../../src/storage/cleanup.service.js';
import { FakeClock } from '../fake-clock.js';
import { createInfobipAccount, NO_LIMITS } from '../infobip-account.js';
import { startService, type RunningService } from '../service.js';
import type { ModelSettings } from './model-rules.js';
import {
  CLIENTS,
  toHttpRequest,
  type ModelOperation,
  type OperationRecord,
  type OperationResponse,
} from './operation.js';
import { startProviderGateway, type ProviderGateway } from './provider-gateway.js';
import { isProviderDown } from './provider-results.js';

const apiKeyOf = (client: string): string => `key-of-${client}-that-only-the-model-test-knows-of`;
const API_KEYS = CLIENTS.map(
  (client) => `${client}:${createHash('sha256').update(apiKeyOf(client)).digest('hex')}`,
).join(',');

/** Long enough that no provider call times out. */
export const PROVIDER_TIMEOUT_MS = seconds(60);

/** Calls that must have failed before a circuit can be open. */
const FAILURES_TO_OPEN = 3;

export interface WorldOptions {
  readonly settings: ModelSettings;
  readonly providers: readonly ProviderName[];
  readonly replicas: number;
  /** The settings that select the database. */
  readonly storage: NodeJS.ProcessEnv;
  readonly logLevel: 'info' | 'silent';
  /** If true, only the service prevents a second success of a code. */
  readonly infobipAcceptsCodesAgain: boolean;
}

interface WorldReplica {
  readonly service: RunningService;
  readonly pool: Pool;
}

/** Replicas of the service on one database, with a sandbox as their providers and one clock. */
export class ModelWorld {
  readonly clock = new FakeClock();
  /** The values of `OTP_SECRET`. The service writes with the first one and reads with all. */
  readonly secrets = [newSecret(0)];
  readonly logs: string[] = [];
  private replicas: WorldReplica[] = [];
  private readonly failures = new Map<string, number>();
  private sandbox!: Sandbox;
  gateway!: ProviderGateway;

  constructor(readonly options: WorldOptions) {}

  async start(): Promise<void> {
    this.sandbox = await startSandbox({ port: 0, now: () => this.clock.now() });
    this.gateway = await startProviderGateway(this.sandbox.url, this.clock);
    if (this.options.infobipAcceptsCodesAgain)
      this.account = await createInfobipAccount(this.sandbox.url, { configuration: NO_LIMITS });
    for (let index = 0; index < this.options.replicas; index += 1) {
      this.replicas.push(await this.startReplica());
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => this.stopReplica(replica)));
    await this.gateway.close();
    await this.sandbox.close();
  }

  /**
   * The first step of a rotation deploys a second secret that only reads, one replica after the
   * other; the second step stops all replicas and starts them with the secrets swapped.
   */
  async rotateSecret(): Promise<void> {
    if (this.hasUnusedSecret) {
      const [current = '', next = ''] = this.secrets;
      this.secrets.splice(0, 2, next, current);
      this.hasUnusedSecret = false;
      await Promise.all(this.replicas.map((replica) => this.stopReplica(replica)));
      this.replicas = [];
      for (let index = 0; index < this.options.replicas; index += 1) {
        this.replicas.push(await this.startReplica());
      }
      return;
    }
    this.secrets.splice(1, 0, newSecret(this.secrets.length));
    this.hasUnusedSecret = true;
    for (const [index, replica] of this.replicas.entries()) {
      await this.stopReplica(replica);
      this.replicas[index] = await this.startReplica();
    }
  }

  private hasUnusedSecret = false;
  /** Settings of the Infobip application; empty for the sandbox's own. */
  private account: NodeJS.ProcessEnv = {};

  /** Whether the circuit of a provider's operation may be open. */
  mayCircuitBeOpen(provider: ProviderName, operation: string): boolean {
    return (this.failures.get(`${provider} ${operation}`) ?? 0) >= FAILURES_TO_OPEN;
  }

  /** Runs operations at the same time. */
  async run(operations: readonly ModelOperation[]): Promise<OperationRecord[]> {
    const earlierCalls = this.gateway.calls.length;
    const records = await Promise.all(operations.map((operation) => this.runOne(operation)));
    for (const call of this.gateway.calls.slice(earlierCalls)) {
      const record = records.find(({ id }) => id === call.operationId);
      if (!record) throw new Error(`no operation made the call ${JSON.stringify(call)}`);
      record.calls.push(call);
      const name = `${call.provider} ${call.operation}`;
      if (isProviderDown(call)) this.failures.set(name, (this.failures.get(name) ?? 0) + 1);
    }
    return records;
  }

  private async runOne(operation: ModelOperation): Promise<OperationRecord> {
    const { id, client, replica, key, kind, fault } = operation;
    const chosen = this.replicas[replica];
    if (!chosen) throw new Error(`There is no replica ${replica}.`);
    const { pool, service } = chosen;
    if (fault) this.gateway.planFault(id, fault);
    if (kind === 'cleanup') await service.app.get(CleanupService).runOnce();
    const startedAt = this.clock.now();
    const { method, path, body } = toHttpRequest(operation);
    const response = await pool.request({
      method,
      path,
      headers: {
        authorization: `Bearer ${apiKeyOf(client)}`,
        'x-request-id': id,
        ...(body && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      body: body ? JSON.stringify(body) : null,
    });
    return {
      ...operation,
      startedAt,
      endedAt: this.clock.now(),
      secret: this.secrets[0] ?? '',
      calls: [],
      response: await readResponse(response),
    };
  }

  /** Tries twice: on a busy machine, the first connection to the database may take too long. */
  private async startReplica(): Promise<WorldReplica> {
    return this.tryStartReplica().catch(() => this.tryStartReplica());
  }

  private async tryStartReplica(): Promise<WorldReplica> {
    const { settings, providers, storage, logLevel } = this.options;
    const service = await startService(
      {
        ...storage,
        API_KEYS,
        LOG_LEVEL: logLevel,
        OTP_SECRET: this.secrets.join(','),
        PROVIDERS: providers.join(','),
        ...this.account,
        INFOBIP_BASE_URL: this.gateway.url,
        SINCH_BASE_URL: this.gateway.url,
        PROVIDER_TIMEOUT: `${PROVIDER_TIMEOUT_MS / 1_000}s`,
        OTP_TTL: `${settings.ttlMs / 1_000}s`,
        OTP_MAX_ATTEMPTS: String(settings.maxAttempts),
        SEND_COOLDOWN: `${settings.cooldownMs / 1_000}s`,
        SENDS_PER_NUMBER_PER_DAY: String(settings.sendsPerDay),
        FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: String(settings.failuresPerHour),
        FAILED_ATTEMPTS_PER_NUMBER_PER_DAY: String(settings.failuresPerDay),
        CLIENT_SHARE_PER_NUMBER: String(settings.clientSharePerNumber),
        SENDS_PER_END_USER_IP_PER_HOUR: String(settings.endUserSendsPerHour),
        THROTTLE_SEND_LIMIT: '1000000',
        THROTTLE_VERIFY_LIMIT: '1000000',
        // Not reached: the budgets of clients and destinations have tests of their own.
        CLIENT_UNREACHABLE_PER_DAY: '1000000',
        CLIENT_WRONG_CODES_PER_DAY: '1000000',
        PUMPING_FLOOR_PER_HOUR: '1000000',
        PUMPING_FLOOR_PER_DAY: '1000000',
      },
      this.clock,
    );
    // Otherwise the first send would not know the length of its code.
    await service.app.get(InfobipCodeLengths).read();
    return { service, pool: new Pool(service.url, { connections: 8 }) };
  }

  private async stopReplica({ service, pool }: WorldReplica): Promise<void> {
    await pool.close();
    await service.close();
    this.logs.push(...service.log.lines);
  }
}

const newSecret = (index: number): string =>
  `master secret ${index} that only the model test knows of`;

async function readResponse({
  statusCode,
  headers,
  body,
}: Awaited<ReturnType<Pool['request']>>): Promise<OperationResponse> {
  const content = await body.text();
  const retryAfter = headers['retry-after'];
  return {
    status: statusCode,
    body: content === '' ? {} : (JSON.parse(content) as Record<string, unknown>),
    retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
    replayed: headers['idempotency-replayed'] === 'true',
  };
}
