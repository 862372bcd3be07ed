import { Module } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { storageConfig, type StorageConfig } from '../config/storage.config.js';
import { CleanupService } from './cleanup.service.js';
import { AttemptMoves } from './sql/attempt-moves.js';
import { Database } from './sql/database.js';
import { EndUserLimits } from './sql/end-user-limits.js';
import { IdempotencyKeys } from './sql/idempotency-keys.js';
import { NumberLimits } from './sql/number-limits.js';
import { Records } from './sql/records.js';
import { SendBudgets } from './sql/send-budgets.js';
import { SendMoves } from './sql/send-moves.js';
import { SqlVerificationStore } from './sql/sql-verification-store.js';
import { TrafficCounts } from './sql/traffic-counts.js';
import { VerificationRows } from './sql/verification-rows.js';
import { StorageHealthIndicator } from './storage.health.js';
import { DataProtection } from './data-protection.js';
import { VerificationStore } from './verification-store.js';

@Module({
  providers: [
    {
      provide: Database,
      useFactory: (storage: StorageConfig, { timeoutMs }: ProvidersConfig) =>
        Database.open(storage, timeoutMs),
      inject: [storageConfig.KEY, providersConfig.KEY],
    },
    DataProtection,
    NumberLimits,
    EndUserLimits,
    TrafficCounts,
    SendBudgets,
    IdempotencyKeys,
    VerificationRows,
    SendMoves,
    AttemptMoves,
    Records,
    CleanupService,
    StorageHealthIndicator,
    // Time is what the records' own clock says it is.
    { provide: Clock, useFactory: ({ clock }: Database) => clock, inject: [Database] },
    { provide: VerificationStore, useClass: SqlVerificationStore },
  ],
  exports: [VerificationStore, Clock, StorageHealthIndicator],
})
export class StorageModule {}
