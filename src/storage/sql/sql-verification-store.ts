import { Injectable } from '@nestjs/common';
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
  ) {
    super();
  }

  override admit: Port['admit'] = (...args) => this.sends.admit(...args);
  override admitResend: Port['admitResend'] = (...args) => this.sends.admitResend(...args);
  override confirm: Port['confirm'] = (...args) => this.sends.confirm(...args);
  override abandon: Port['abandon'] = (...args) => this.sends.abandon(...args);

  override takeAttempt: Port['takeAttempt'] = (...args) => this.attempts.takeAttempt(...args);
  override returnAttempt: Port['returnAttempt'] = (...args) => this.attempts.returnAttempt(...args);
  override settle: Port['settle'] = (...args) => this.attempts.settle(...args);

  override find: Port['find'] = (...args) => this.records.find(...args);
  override cancel: Port['cancel'] = (...args) => this.records.cancel(...args);
  override lastVerifiedAt: Port['lastVerifiedAt'] = (...args) =>
    this.records.lastVerifiedAt(...args);
  override erase: Port['erase'] = (...args) => this.records.erase(...args);
}
