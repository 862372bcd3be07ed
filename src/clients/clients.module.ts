import { Module, type DynamicModule } from '@nestjs/common';
import { authConfig } from '../config/auth.config.js';
import type { Environment } from '../config/define-config.js';
import { ClientDirectory } from './client-directory.js';
import { listApiKeyClients } from './client-list.js';
import { parseClientsFile } from './parse-clients-file.js';
import { readClientsFile } from './read-clients-file.js';

/** The clients with their API keys and rules, for every module. */
@Module({})
export class ClientsModule {
  static with(env: Environment): DynamicModule {
    return {
      module: ClientsModule,
      global: true,
      providers: [{ provide: ClientDirectory, useFactory: () => openClientDirectory(env) }],
      exports: [ClientDirectory],
    };
  }
}

/**
 * Reads the clients of `API_KEYS` or `CLIENTS_FILE`.
 * @throws ClientsFileError if the file is invalid
 */
async function openClientDirectory(env: Environment): Promise<ClientDirectory> {
  const { clientsFile } = authConfig(env);
  return new ClientDirectory(
    clientsFile === undefined
      ? listApiKeyClients(env)
      : parseClientsFile(await readClientsFile(clientsFile), env),
  );
}
