import { Module } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { storageConfig, type StorageConfig } from '../config/storage.config.js';
import { BlockedSendCounter } from './blocked-send-counter.js';
import { CleanupService } from './cleanup.service.js';
import { ClockSynchronizer } from './clock-synchronizer.js';
import { DataProtection } from './data-protection.js';
import { DeliveryReportStore } from './delivery-report-store.js';
import { Database } from './engines/database.js';
import { openDatabase } from './engines/open-database.js';
import { EndUserLimits } from './limits/end-user-limits.js';
import { GuessLimits } from './limits/guess-limits.js';
import { NumberLimitFinder } from './limits/number-limit-finder.js';
import { NumberLimits } from './limits/number-limits.js';
import { NumberReservations } from './limits/number-reservations.js';
import { SendLimitFinder } from './limits/send-limit-finder.js';
import { SendLimits } from './limits/send-limits.js';
import { TrafficCounts } from './limits/traffic-counts.js';
import { LostAnswerStore } from './lost-answer-store.js';
import { Outbox } from './outbox.js';
import { ProviderReferences } from './provider-references.js';
import { AttemptOutcomeRepository } from './repositories/attempt-outcome.repository.js';
import { AttemptRepository } from './repositories/attempt.repository.js';
import { IdempotencyKeyRepository } from './repositories/idempotency-key.repository.js';
import { MessageRepository } from './repositories/message.repository.js';
import { ResendConfirmations } from './repositories/resend-confirmations.js';
import { ResendRepository } from './repositories/resend.repository.js';
import { SendOutcomeRepository } from './repositories/send-outcome.repository.js';
import { SendRepository } from './repositories/send.repository.js';
import { UsageRepository } from './repositories/usage.repository.js';
import { VerificationTable } from './repositories/verification-table.js';
import { VerificationRepository } from './repositories/verification.repository.js';
import { WebhookEventRecorder } from './repositories/webhook-event-recorder.js';
import { SecretCheck } from './secret-check.js';
import { StorageHealthIndicator } from './storage.health.js';
import { VerificationStore } from './verification-store.js';

@Module({
  providers: [
    {
      provide: Database,
      useFactory: (storage: StorageConfig, { timeoutMs }: ProvidersConfig) =>
        openDatabase(storage, timeoutMs),
      inject: [storageConfig.KEY, providersConfig.KEY],
    },
    // The database's clock, which all replicas share.
    { provide: Clock, useFactory: ({ clock }: Database) => clock, inject: [Database] },
    DataProtection,
    SecretCheck,
    NumberLimits,
    NumberReservations,
    NumberLimitFinder,
    EndUserLimits,
    TrafficCounts,
    SendLimits,
    SendLimitFinder,
    GuessLimits,
    IdempotencyKeyRepository,
    WebhookEventRecorder,
    MessageRepository,
    VerificationTable,
    UsageRepository,
    SendOutcomeRepository,
    ResendConfirmations,
    SendRepository,
    ResendRepository,
    AttemptOutcomeRepository,
    AttemptRepository,
    LostAnswerStore,
    VerificationRepository,
    VerificationStore,
    Outbox,
    ProviderReferences,
    DeliveryReportStore,
    ClockSynchronizer,
    CleanupService,
    BlockedSendCounter,
    StorageHealthIndicator,
  ],
  exports: [
    VerificationStore,
    LostAnswerStore,
    ProviderReferences,
    DeliveryReportStore,
    CleanupService,
    Outbox,
    Clock,
    StorageHealthIndicator,
  ],
})
export class StorageModule {}
