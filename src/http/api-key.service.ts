import { hash, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { authConfig, type AuthConfig } from '../config/auth.config.js';

/** RFC 6750 §2.1. */
const BEARER = /^Bearer ([\w.~+/-]+=*)$/i;

/** Authenticates clients by their API keys (`API_KEYS`). */
@Injectable()
export class ApiKeyService {
  constructor(@Inject(authConfig.KEY) private readonly config: AuthConfig) {}

  /** Whether requests need an API key. */
  get isRequired(): boolean {
    return this.config.apiKeys.length > 0;
  }

  /** Returns the name of the client that owns the key. Compares every entry, in constant time. */
  authenticate(authorization: string | undefined): string | undefined {
    const [, key] = BEARER.exec(authorization ?? '') ?? [];
    if (key === undefined) return undefined;
    const keyHash = hash('sha256', key, 'buffer');
    let client: string | undefined;
    for (const entry of this.config.apiKeys) {
      if (timingSafeEqual(entry.hash, keyHash)) client = entry.client;
    }
    return client;
  }
}
