import { Inject, Injectable } from '@nestjs/common';
import type { PhoneNumber } from '../../common/phone-number.js';
import { limitsConfig, type LimitsConfig } from '../../config/limits.config.js';
import type { Executor } from '../engines/statement-batch.js';
import {
  type BudgetViolation,
  type ClientLimits,
  type DestinationCounts,
  type DestinationSuspended,
  isShared,
  type LimitExceeded,
  type ReservedSend,
  type SharedBudgetExceeded,
  type SharedLimitExceeded,
  TRUSTED_NUMBER_MS,
  type TrafficEvaluator,
} from '../limit.types.js';
import type { VerificationRow } from '../migrations/schema.js';
import { hasBudgets, isCounted, toSubjects } from '../traffic-subjects.js';
import { EndUserLimits } from './end-user-limits.js';
import { NumberLimitFinder } from './number-limit-finder.js';
import { NumberLimits } from './number-limits.js';
import type { MessageFilter } from './send-requirements.js';
import { TrafficCounts, type SendTraffic } from './traffic-counts.js';
import { toNumberKey } from './window-predicates.js';

/**
 * Unreachable numbers that a client may have per message, beyond the setting: users mistype few.
 */
const UNREACHABLE_SHARE = 0.05;

/** A limit of a client over all numbers. */
type ClientLimit = 'client_sends' | 'client_unreachable';

type SendLimit = LimitExceeded | SharedLimitExceeded | SharedBudgetExceeded | DestinationSuspended;

/** A send that may exceed a limit. */
interface ExceedingSend {
  readonly row: VerificationRow;
  /** Whether the traffic counts include this send already; by default not. */
  readonly isInTraffic?: boolean;
  readonly messageFilter: MessageFilter | undefined;
  readonly limits: ClientLimits | undefined;
  readonly now: number;
}

/** Finds which limit a send exceeds, and until when. */
@Injectable()
export class SendLimitFinder {
  constructor(
    private readonly numbers: NumberLimits,
    private readonly numberFinder: NumberLimitFinder,
    private readonly endUsers: EndUserLimits,
    private readonly traffic: TrafficCounts,
    @Inject(limitsConfig.KEY) private readonly defaults: LimitsConfig,
  ) {}

  /**
   * Finds the limit that kept a send from being reserved. Limits that the client has reached by
   * itself come first: otherwise a client could watch what others do at a number, without sending
   * messages.
   */
  async findReservationLimit(
    executor: Executor,
    send: ExceedingSend,
    phoneNumber: PhoneNumber,
    evaluate: TrafficEvaluator | undefined,
  ): Promise<SendLimit> {
    const limit = await this.findLimit(executor, send, phoneNumber, evaluate);
    // Sends to a test number are not counted, and have no destination.
    const { texts, country } = send.row;
    return texts > 0 ? Object.assign(limit, { country }) : limit;
  }

  private async findLimit(
    executor: Executor,
    send: ExceedingSend,
    phoneNumber: PhoneNumber,
    evaluate: TrafficEvaluator | undefined,
  ): Promise<SendLimit> {
    const { row, limits, now } = send;
    const { expires_at: expiresAt, attempts } = row;
    const numberSend = Object.assign({ expiresAt, attempts, ...toNumberKey(row) }, send);
    const byNumber = await this.numberFinder.findSendLimit(executor, numberSend);
    const isSharedLimit = byNumber.limit === 'shared';
    if (!isSharedLimit && byNumber.until > now) return byNumber;
    if (row.end_user_hash !== '') {
      const byEndUser = await this.endUsers.findSendLimit(executor, row, now, limits);
      if (!isSharedLimit || byEndUser.until > now) return byEndUser;
    }
    if (!isSharedLimit || !isCounted(row)) return byNumber;
    // The only limit so far is due to other clients at the number: an exceeded budget comes first.
    const { verifiedAt, traffic } = await executor.run((batch) => ({
      verifiedAt: this.numbers.queries.read(batch, toNumberKey(row)),
      traffic: this.traffic.read(batch, row, now),
    }));
    const reserved = { verifiedAt: verifiedAt.row?.verified_at ?? 0 };
    const counts = send.isInTraffic ? traffic() : addSend(traffic());
    const violation = this.checkBudgets(send, reserved, counts, evaluate);
    if (typeof violation !== 'string' && !violation?.enforced) return byNumber;
    return this.findSuspension(executor, send, phoneNumber, violation);
  }

  /**
   * Finds the budget that a send exceeds: one of its client, or one of its destination.
   * @param traffic the counts, which include this send
   */
  checkBudgets(
    { row, limits, now }: ExceedingSend,
    { verifiedAt }: ReservedSend,
    traffic: SendTraffic,
    evaluate: TrafficEvaluator | undefined,
  ): ClientLimit | BudgetViolation | undefined {
    const { sendsPerClientPerDay, unreachablePerClientPerDay } = limits?.limits ?? this.defaults;
    const sends = countDay(traffic.client);
    if (sends > sendsPerClientPerDay) return 'client_sends';
    if (verifiedAt > now - TRUSTED_NUMBER_MS) return undefined;
    const allowed = unreachablePerClientPerDay + Math.floor(UNREACHABLE_SHARE * sends);
    if (countDay(traffic.unreachable) >= allowed) return 'client_unreachable';
    return hasBudgets(row) ? evaluate?.(traffic) : undefined;
  }

  /** Finds until when a budget that {@link checkBudgets} found blocks the send. */
  async findSuspension(
    executor: Executor,
    { row, now }: ExceedingSend,
    phoneNumber: PhoneNumber,
    violation: ClientLimit | BudgetViolation,
  ): Promise<LimitExceeded | SharedBudgetExceeded | DestinationSuspended> {
    if (typeof violation === 'string') {
      const scope = violation === 'client_sends' ? 'client' : 'unreachable';
      const subject = toSubjects(row)[scope];
      const until = await this.traffic.findResetAt(executor, subject, 'day', 'all', now);
      return { outcome: 'limited', limit: violation, until };
    }
    const exceeding = { violation, client: row.client, phoneNumber };
    const { scope, window } = violation;
    if (isShared(scope)) {
      return { outcome: 'limited', limit: 'shared', cause: 'shared_destination', ...exceeding };
    }
    const subject = toSubjects(row)[scope];
    const until = await this.traffic.findResetAt(executor, subject, window, 'unverified', now);
    return { outcome: 'suspended', until, ...exceeding };
  }
}

/** The sends of the last day, recent ones included. */
const countDay = ({ recent, day }: DestinationCounts): number => recent.sends + day.sends;

/** The counts as they would be with one more send. */
function addSend(traffic: SendTraffic): SendTraffic {
  const subjects = Object.entries(traffic).map(([subject, counts]) => {
    if (subject === 'unreachable') return [subject, counts];
    const { sends, verified } = counts.recent;
    return [subject, Object.assign({}, counts, { recent: { sends: sends + 1, verified } })];
  });
  return Object.fromEntries(subjects) as SendTraffic;
}
