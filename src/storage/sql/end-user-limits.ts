import { Inject, Injectable } from '@nestjs/common';
import { hours } from '../../common/durations.js';
import { limitsConfig, type LimitsConfig } from '../../config/limits.config.js';
import type { LimitExceeded } from '../verification-store.js';
import { isCountedText } from './conditions.js';
import { Database } from './database.js';
import { fullUntil, type Window } from './event-log.js';
import { byKey, prepareReturn, prepareTake, type LogPlace } from './event-log-queries.js';
import type { Executor, Packet } from './statement.js';

const SENDS: LogPlace = {
  table: 'end_users',
  key: 'address_hash',
  log: 'sends',
  others: [],
  told: 'touched_at',
};

/** A text that is to be counted for its end user. */
interface Text {
  /** The address' hash. */
  readonly key: string;
  readonly numberHash: string;
  /** The text's entry in the log of its number. */
  readonly numberEntry: string;
}

const ofNumber = ({ numberHash, numberEntry }: Text) =>
  isCountedText({ numberHash, entry: numberEntry });

/** How many texts the users behind one address may cause, over all clients. */
@Injectable()
export class EndUserLimits {
  private readonly windows: readonly Window[];
  private readonly queries;

  constructor(database: Database, @Inject(limitsConfig.KEY) limits: LimitsConfig) {
    this.windows = [{ count: limits.sendsPerEndUserPerHour, windowMs: hours(1) }];
    this.queries = {
      take: prepareTake(database, SENDS, this.windows, byKey(ofNumber)),
      giveBack: prepareReturn(database, SENDS),
      read: database.prepare((db, p: { key: string }) =>
        db.selectFrom('end_users').select('sends').where('address_hash', '=', p.key),
      ),
    };
  }

  /**
   * Counts a text, provided that it was counted for its number, and that the hour has room for it.
   * @returns tells whether it was counted
   */
  take(packet: Packet, text: Text, entry: string, now: number): () => boolean {
    const taken = this.queries.take(packet, text, entry, now);
    return () => taken.row !== undefined;
  }

  /** Until when there is no room for another text. */
  async noSend(executor: Executor, addressHash: string, now: number): Promise<LimitExceeded> {
    const { row } = await executor.run((packet) => this.queries.read(packet, { key: addressHash }));
    return {
      outcome: 'limited',
      limit: 'end_user_sends',
      until: fullUntil(row?.sends ?? '', now, this.windows) ?? now,
    };
  }

  /** The text never left. */
  giveBack(packet: Packet, addressHash: string, entry: string): void {
    this.queries.giveBack(packet, { key: addressHash, entry });
  }
}
