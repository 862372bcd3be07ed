import { describeModelTest } from '../support/model/describe-model-test.js';
import { deleteRecords } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';

let postgres: PostgresServer | undefined;
/** Empty databases for reuse: creating a database takes longer than emptying one. */
const emptyDatabases: string[] = [];

afterAll(() => postgres?.stop());

describeModelTest('The service with two replicas on PostgreSQL', {
  replicas: 2,
  createStorage: async () => {
    postgres ??= await startPostgres();
    const DATABASE_URL = emptyDatabases.pop() ?? (await postgres.createDatabase());
    return {
      settings: { DATABASE_URL },
      removeData: async () => {
        await deleteRecords(DATABASE_URL);
        emptyDatabases.push(DATABASE_URL);
      },
    };
  },
});
