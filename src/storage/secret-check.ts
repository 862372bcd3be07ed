import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DataProtection } from './data-protection.js';
import { Database } from './engines/database.js';

/**
 * Lets the service start only if `OTP_SECRET` lists the secret of the newest verification. With
 * another secret, a replica would not find numbers and keys: it would send twice and erase nothing.
 */
@Injectable()
export class SecretCheck {
  constructor(database: Database, protection: DataProtection) {
    const { readNewest } = database.prepare('secret', {
      // Empty until a provider has accepted the send.
      readNewest: () => sql<{ sealed: string }>`
        select sealed from verifications where sealed <> '' order by created_at desc limit 1`,
    });
    database.afterMigration(async () => {
      const { row } = await database.run((batch) => readNewest(batch, {}));
      const keyId = row && protection.findUnknownKeyId(row.sealed);
      if (keyId !== undefined) throw new Error(describeUnknownKeyId(keyId));
    });
  }
}

const describeUnknownKeyId = (keyId: string): string =>
  `its newest verification is encrypted with a secret (key id ${keyId}) that OTP_SECRET does not ` +
  'list. Add the earlier secret to the end of OTP_SECRET; outside production without OTP_SECRET, ' +
  'restore the file otp-secret in DATA_DIR. If the secret is lost, delete what it encrypted: see ' +
  '"A lost secret" in docs/operating.md.';
