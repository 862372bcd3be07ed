import { Module } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Housekeeping } from './housekeeping.js';
import { Database } from './sql/database.js';
import { IdempotencyKeys } from './sql/idempotency-keys.js';
import { NumberLimits } from './sql/number-limits.js';
import { SqlVerificationStore } from './sql/sql-verification-store.js';
import { Vault } from './vault.js';
import { VerificationStore } from './verification-store.js';

@Module({
  providers: [
    Database,
    Vault,
    NumberLimits,
    IdempotencyKeys,
    Housekeeping,
    // Time is what the records' own clock says it is.
    { provide: Clock, useFactory: ({ clock }: Database) => clock, inject: [Database] },
    { provide: VerificationStore, useClass: SqlVerificationStore },
  ],
  exports: [VerificationStore, Clock],
})
export class StorageModule {}
