import { Injectable } from '@nestjs/common';
import { EventBus } from '../../common/events.js';
import { VerificationStore } from '../verification-store.js';
import { AttemptMoves } from './attempt-moves.js';
import { Records } from './records.js';
import { SendMoves } from './send-moves.js';

type Port = VerificationStore;

/** The store on either engine: each move is one transaction of prepared conditional statements. */
@Injectable()
export class SqlVerificationStore extends VerificationStore {
  constructor(
    private readonly sends: SendMoves,
    private readonly attempts: AttemptMoves,
    private readonly records: Records,
    private readonly events: EventBus,
  ) {
    super();
  }

  override admit: Port['admit'] = (...args) => this.told('admit', () => this.sends.admit(...args));
  override admitResend: Port['admitResend'] = (...args) =>
    this.told('admitResend', () => this.sends.admitResend(...args));
  override confirm: Port['confirm'] = (...args) =>
    this.told('confirm', () => this.sends.confirm(...args));
  override abandon: Port['abandon'] = (...args) =>
    this.told('abandon', () => this.sends.abandon(...args));

  override takeAttempt: Port['takeAttempt'] = (...args) =>
    this.told('takeAttempt', () => this.attempts.takeAttempt(...args));
  override returnAttempt: Port['returnAttempt'] = (...args) =>
    this.told('returnAttempt', () => this.attempts.returnAttempt(...args));
  override settle: Port['settle'] = (...args) =>
    this.told('settle', () => this.attempts.settle(...args));

  override find: Port['find'] = (...args) => this.told('find', () => this.records.find(...args));
  override cancel: Port['cancel'] = (...args) =>
    this.told('cancel', () => this.records.cancel(...args));
  override lastVerifiedAt: Port['lastVerifiedAt'] = (...args) =>
    this.told('lastVerifiedAt', () => this.records.lastVerifiedAt(...args));
  override erase: Port['erase'] = (...args) =>
    this.told('erase', () => this.records.erase(...args));

  private async told<T>(operation: keyof Port, work: () => Promise<T>): Promise<T> {
    const beganAt = performance.now();
    let failed = true;
    try {
      const result = await work();
      failed = false;
      return result;
    } finally {
      const durationMs = performance.now() - beganAt;
      this.events.emit({ type: 'storage_operation_completed', operation, failed, durationMs });
    }
  }
}
