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

  override reserveSend: Port['reserveSend'] = (...args) =>
    this.told('reserveSend', () => this.sends.reserveSend(...args));
  override reserveResend: Port['reserveResend'] = (...args) =>
    this.told('reserveResend', () => this.sends.reserveResend(...args));
  override confirmSend: Port['confirmSend'] = (...args) =>
    this.told('confirmSend', () => this.sends.confirmSend(...args));
  override releaseSend: Port['releaseSend'] = (...args) =>
    this.told('releaseSend', () => this.sends.releaseSend(...args));

  override reserveAttempt: Port['reserveAttempt'] = (...args) =>
    this.told('reserveAttempt', () => this.attempts.reserveAttempt(...args));
  override releaseAttempt: Port['releaseAttempt'] = (...args) =>
    this.told('releaseAttempt', () => this.attempts.releaseAttempt(...args));
  override completeAttempt: Port['completeAttempt'] = (...args) =>
    this.told('completeAttempt', () => this.attempts.completeAttempt(...args));

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
