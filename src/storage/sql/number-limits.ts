import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { hours } from '../../common/durations.js';
import { AppConfig } from '../../config/app-config.js';
import type { Limited } from '../verification-store.js';
import { Database, type Executor } from './database.js';
import { fullUntil, lengthKept, newEntry, positionOf, timeText, type Window } from './event-log.js';

type Log = 'sends' | 'failures';

/** A count taken: its entry in the log. */
interface Taken {
  readonly outcome: 'taken';
  readonly entry: string;
}

/** What each phone number may cost and risk, over all clients: texts and wrong codes. */
@Injectable()
export class NumberLimits {
  private readonly cooldown: Window;
  private readonly sends: readonly [Window, Window];
  private readonly failures: readonly [Window, Window];
  private readonly queries;

  constructor(
    private readonly database: Database,
    { otp, perNumber }: AppConfig,
  ) {
    this.cooldown = { count: 1, windowMs: otp.sendCooldownMs };
    this.sends = [this.cooldown, { count: perNumber.sendsPerDay, windowMs: hours(24) }];
    this.failures = [
      { count: perNumber.failuresPerHour, windowMs: hours(1) },
      { count: perNumber.failuresPerDay, windowMs: hours(24) },
    ];
    this.queries = {
      takeSend: this.prepareTake('sends', this.sends),
      takeFailure: this.prepareTake('failures', this.failures),
      returnSend: this.prepareReturn('sends'),
      returnFailure: this.prepareReturn('failures'),
      read: database.prepare((db, p: { numberHash: string }) =>
        db
          .selectFrom('numbers')
          .select(['sends', 'failures'])
          .where('number_hash', '=', p.numberHash),
      ),
    };
  }

  /** Counts a text, provided that neither the cooldown nor the day's budget is in the way. */
  async takeSend(executor: Executor, numberHash: string, now: number): Promise<Taken | Limited> {
    const taken = await this.take(this.queries.takeSend, this.sends, executor, numberHash, now);
    if (taken) return taken;
    const log = (await this.read(executor, numberHash)).sends;
    const cooldownUntil = fullUntil(log, now, [this.cooldown]);
    const until = fullUntil(log, now, this.sends) ?? now;
    return {
      outcome: 'limited',
      limit: cooldownUntil === until ? 'cooldown' : 'sends_per_day',
      until,
    };
  }

  /** Counts a wrong code before it is known to be one, provided that the number may have another. */
  async takeFailure(executor: Executor, numberHash: string, now: number): Promise<Taken | Limited> {
    const taken = await this.take(
      this.queries.takeFailure,
      this.failures,
      executor,
      numberHash,
      now,
    );
    if (taken) return taken;
    const { failures } = await this.read(executor, numberHash);
    return {
      outcome: 'limited',
      limit: 'failures',
      until: fullUntil(failures, now, this.failures) ?? now,
    };
  }

  /** The text never left. */
  async returnSend(executor: Executor, numberHash: string, entry: string): Promise<void> {
    await this.queries.returnSend(executor, { numberHash, entry });
  }

  /** The code was right, or nobody judged it. */
  async returnFailure(executor: Executor, numberHash: string, entry: string): Promise<void> {
    await this.queries.returnFailure(executor, { numberHash, entry });
  }

  private async take(
    query: NumberLimits['queries']['takeSend'],
    windows: readonly [Window, Window],
    executor: Executor,
    numberHash: string,
    now: number,
  ): Promise<Taken | undefined> {
    const entry = newEntry(now);
    const [first, second] = windows.map(({ windowMs }) => timeText(now - windowMs));
    const rows = await query(executor, {
      numberHash,
      entry,
      now,
      firstBefore: first ?? '',
      secondBefore: second ?? '',
    });
    return rows.length > 0 ? { outcome: 'taken', entry } : undefined;
  }

  /** One statement checks both windows and takes a place in the log: nothing fits in between. */
  private prepareTake(log: Log, windows: readonly [Window, Window]) {
    const column = sql.ref<string>(`numbers.${log}`);
    const nthTime = ({ count }: Window) => {
      const { from, length } = positionOf(count);
      return sql<string>`substr(${column}, ${sql.lit(from)}, ${sql.lit(length)})`;
    };
    interface Values {
      numberHash: string;
      entry: string;
      now: number;
      firstBefore: string;
      secondBefore: string;
    }
    return this.database.prepare((db, p: Values) =>
      db
        .insertInto('numbers')
        .values({
          number_hash: p.numberHash,
          sends: log === 'sends' ? p.entry : '',
          failures: log === 'failures' ? p.entry : '',
          touched_at: p.now,
        })
        .onConflict((conflict) =>
          conflict
            .column('number_hash')
            .doUpdateSet({
              [log]: sql<string>`excluded.${sql.raw(log)} || substr(${column}, 1, ${sql.lit(lengthKept(windows))})`,
              touched_at: sql<number>`excluded.touched_at`,
            })
            .where(nthTime(windows[0]), '<=', p.firstBefore)
            .where(nthTime(windows[1]), '<=', p.secondBefore),
        )
        .returning('number_hash'),
    );
  }

  private prepareReturn(log: Log) {
    return this.database.prepare((db, p: { numberHash: string; entry: string }) =>
      db
        .updateTable('numbers')
        .set({ [log]: sql<string>`replace(${sql.ref(log)}, ${p.entry}, '')` })
        .where('number_hash', '=', p.numberHash),
    );
  }

  private async read(executor: Executor, numberHash: string): Promise<Record<Log, string>> {
    const [row] = await this.queries.read(executor, { numberHash });
    return row ?? { sends: '', failures: '' };
  }
}
