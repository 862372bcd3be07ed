import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { ClientDirectory } from '../clients/client-directory.js';
import type { Client } from '../clients/client-list.js';
import { authConfig, type AuthConfig } from '../config/auth.config.js';

/** An `Authorization` header with an API key (RFC 6750 §2.1). */
const BEARER = /^Bearer ([\w.~+/-]+=*)$/i;

/** Authenticates clients by their API keys (`API_KEYS` or `CLIENTS_FILE`). */
@Injectable()
export class ApiKeyService {
  constructor(
    @Inject(authConfig.KEY) private readonly config: AuthConfig,
    private readonly directory: ClientDirectory,
  ) {}

  /** Whether requests need an API key. */
  get isRequired(): boolean {
    return this.config.needsApiKey;
  }

  /**
   * Finds the client that owns the API key of a request; `undefined` if the key is missing or
   * unknown.
   * @param authorization the `Authorization` header
   */
  authenticate(authorization: string | undefined): Client | undefined {
    const [, key] = BEARER.exec(authorization ?? '') ?? [];
    return key === undefined ? undefined : this.directory.findByKey(hash('sha256', key, 'buffer'));
  }
}
