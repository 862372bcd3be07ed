import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Database } from '../engines/database.js';
import type { Executor, StatementBatch } from '../engines/statement-batch.js';
import {
  countDelivery,
  countUsage,
  toDay,
  UsageSum,
  type DeletedMessage,
  type DeletedVerification,
  type Usage,
} from '../usage-counts.js';

/** The daily usage, which is kept longer than the verifications. */
@Injectable()
export class UsageRepository {
  private readonly queries;

  constructor(database: Database) {
    this.queries = prepareUsageQueries(database);
  }

  /** Adds the usage of verifications and messages, in the transaction that deletes them. */
  async addUsageOfDeleted(
    transaction: Executor,
    verifications: readonly DeletedVerification[],
    messages: readonly DeletedMessage[] = [],
  ): Promise<void> {
    const sum = new UsageSum();
    for (const row of verifications) {
      for (const usage of countUsage(row, toDay(row.created_at))) sum.add(usage);
    }
    for (const usage of messages.flatMap(countDelivery)) sum.add(usage);
    if (sum.size === 0) return;
    await transaction.run((batch) => {
      this.add(batch, sum);
    });
  }

  add(batch: StatementBatch, sum: UsageSum): void {
    for (const usage of sum.list()) this.queries.add(batch, usage);
  }
}

const prepareUsageQueries = (database: Database) =>
  database.prepare('usage', {
    add: (_db, p: Usage) => sql`
      insert into usage_daily (day, client, country, provider, channel,
        verifications, sends, delivered, undelivered, verified, blocked)
      values (${p.day}, ${p.client}, ${p.country}, ${p.provider}, ${p.channel},
        ${p.verifications}, ${p.sends}, ${p.delivered}, ${p.undelivered}, ${p.verified}, ${p.blocked})
      on conflict (day, client, country, provider, channel) do update set
        verifications = usage_daily.verifications + excluded.verifications,
        sends = usage_daily.sends + excluded.sends,
        delivered = usage_daily.delivered + excluded.delivered,
        undelivered = usage_daily.undelivered + excluded.undelivered,
        verified = usage_daily.verified + excluded.verified,
        blocked = usage_daily.blocked + excluded.blocked`,
  });
