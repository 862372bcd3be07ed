import { timingSafeEqual } from 'node:crypto';
import type { Client, ClientList } from './client-list.js';
import type { ClientRules } from './client-rules.js';

interface ClientKey {
  readonly hash: Buffer;
  readonly client: Client;
}

/**
 * The current clients, with their API keys and rules. {@link ClientsFileReader} replaces the whole list
 * when `CLIENTS_FILE` changes.
 */
export class ClientDirectory {
  private list: ClientList;
  private keys: readonly ClientKey[];

  constructor(list: ClientList) {
    this.list = list;
    this.keys = listKeys(list);
  }

  get clients(): readonly Client[] {
    return this.list.clients;
  }

  /** Whether more than one client has an API key. Without API keys, all requests are from one client. */
  get hasSeveralClients(): boolean {
    return this.list.clients.filter(({ keyHashes }) => keyHashes.length > 0).length > 1;
  }

  /** The rules of a client that overrides no setting. */
  get defaults(): ClientRules {
    return this.list.defaults;
  }

  /**
   * Finds the client that owns an API key. Compares every key, in constant time.
   * @param keyHash SHA-256 of the key
   * @returns `undefined` if no client has this key
   */
  findByKey(keyHash: Buffer): Client | undefined {
    let owner: Client | undefined;
    for (const { hash, client } of this.keys) {
      if (timingSafeEqual(hash, keyHash)) owner = client;
    }
    return owner;
  }

  /** Replaces all clients. A running request keeps the rules that it began with. */
  replace(list: ClientList): void {
    this.list = list;
    this.keys = listKeys(list);
  }
}

const listKeys = ({ clients }: ClientList): ClientKey[] =>
  clients.flatMap((client) => client.keyHashes.map((hash) => ({ hash, client })));
