import { ClientsFileReader } from '../../src/clients/clients-file-reader.js';
import { OVERRIDE_FIELDS } from '../../src/clients/override-fields.js';
import { hours } from '../../src/common/durations.js';
import { createClientAgent } from '../support/api-key.js';
import { RULE_CASES, type ObservedClient, type RuleCase } from '../support/client-rule-cases.js';
import { newHashedKey, TestClientsFile } from '../support/clients-file.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

/** The key of the client `a`, which first has the rule of its own. */
const own = newHashedKey();
/** The key of the client `b`, which first has the rule of the settings. */
const plain = newHashedKey();

/** After this time, messages and wrong codes count towards no limit, not even one of two weeks. */
const MORE_THAN_TWO_WEEKS_MS = hours(15 * 24);

describe('The rules of a client', () => {
  let file: TestClientsFile;
  let service: SandboxedService | undefined;
  let postgres: PostgresServer | undefined;
  let lastNumber = 0;
  let lastUnreachable = 0;

  beforeEach(() => {
    file = new TestClientsFile();
  });

  afterAll(() => postgres?.stop());

  afterEach(async () => {
    await service?.close();
    service = undefined;
    file.remove();
  });

  const connect = (service: SandboxedService, { key }: { key: string }): ObservedClient => ({
    http: createClientAgent(service.url, key),
    service,
    newNumber: (prefix = '+4179') => {
      lastNumber += 1;
      return `${prefix}302${String(lastNumber).padStart(4, '0')}`;
    },
    newUnreachableNumber: () => {
      lastUnreachable += 1;
      return `+120555501${String(lastUnreachable).padStart(2, '0')}`;
    },
  });

  const applyChanges = async (service: SandboxedService) => {
    // A change takes effect once two reads have the same content.
    const reader = service.app.get(ClientsFileReader);
    await reader.read();
    await reader.read();
  };

  it('are all covered by RULE_CASES', () => {
    const testedFields = new Set(RULE_CASES.map(({ field }) => field));

    expect([...testedFields].sort()).toEqual(
      ['locale', ...OVERRIDE_FIELDS.map(({ name }) => name)].sort(),
    );
  });

  /**
   * Gives the rule to one client and then to the other instead. Each time, only the client that has
   * the rule follows it.
   */
  async function checkCase(
    { field, settings, ownValue, observe, bySettings, byOwnValue }: RuleCase,
    databaseSettings: NodeJS.ProcessEnv = {},
  ): Promise<void> {
    file.write({ a: { keys: [own.hash], [field]: ownValue }, b: { keys: [plain.hash] } });
    const allSettings = { CLIENTS_FILE: file.path, ...settings, ...databaseSettings };
    service = await startSandboxedService(allSettings);
    expect(await observe(connect(service, plain))).toEqual(bySettings);
    expect(await observe(connect(service, own))).toEqual(byOwnValue);

    file.write({ a: { keys: [own.hash] }, b: { keys: [plain.hash], [field]: ownValue } });
    await applyChanges(service);
    service.clock.advance(MORE_THAN_TWO_WEEKS_MS);

    expect(await observe(connect(service, plain))).toEqual(byOwnValue);
    expect(await observe(connect(service, own))).toEqual(bySettings);
  }

  it.each(RULE_CASES)('replace the setting for $field at once, and for no other client', (rule) =>
    checkCase(rule),
  );

  it.each(RULE_CASES.filter(({ isInDatabase }) => isInDatabase))(
    'replace the setting for $field on PostgreSQL, too',
    async (rule) => {
      postgres ??= await startPostgres();
      await checkCase(rule, { DATABASE_URL: await postgres.createDatabase() });
    },
  );
});
