import { FakeClock } from '../fake-clock.js';
import type { ScriptedUpstream } from '../scripted-upstream.js';
import { startService, type RunningService } from '../service.js';
import { restoreDatabase, type Engine, type RestoredDatabase } from './fixtures.js';
import { FIXTURE_SETTINGS, type StoredRequest } from './scenario.js';
import { startScriptedInfobip } from './scripted-infobip.js';

/** The service on a database of an earlier build. Its clock starts when that build had filled it. */
export class UpgradedService {
  private constructor(
    readonly database: RestoredDatabase,
    readonly provider: ScriptedUpstream,
    readonly service: RunningService,
  ) {}

  /** @param prepare changes the database before the service starts */
  static async start(
    commit: string,
    engine: Engine,
    settings: NodeJS.ProcessEnv = {},
    prepare: (database: RestoredDatabase) => Promise<void> = async () => undefined,
  ): Promise<UpgradedService> {
    const database = await restoreDatabase(commit, engine);
    await prepare(database);
    return UpgradedService.open(database, settings);
  }

  private static async open(
    database: RestoredDatabase,
    settings: NodeJS.ProcessEnv,
  ): Promise<UpgradedService> {
    const provider = await startScriptedInfobip(Object.values(database.flows));
    const service = await startService(
      {
        ...FIXTURE_SETTINGS,
        ...database.storageSettings,
        INFOBIP_BASE_URL: provider.url,
        ...settings,
      },
      new FakeClock(database.filledAt),
    );
    return new UpgradedService(database, provider, service);
  }

  post(operation: string, body: object) {
    return this.service.http.post(`/otp/${operation}`).send(body);
  }

  /** Repeats a request of the earlier build's client, with its idempotency key. */
  repeat({ path, key, body }: StoredRequest) {
    return this.service.http.post(path).set('idempotency-key', key).send(body);
  }

  /** Starts another service on the database in place of this one. */
  async restart(settings: NodeJS.ProcessEnv): Promise<UpgradedService> {
    await this.stop();
    return UpgradedService.open(this.database, settings);
  }

  async close(): Promise<void> {
    await this.stop();
    await this.database.remove();
  }

  private async stop(): Promise<void> {
    await this.service.close();
    await this.provider.close();
  }
}
