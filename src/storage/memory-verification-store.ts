import { hours } from '../common/durations.js';
import type { Verdict } from '../common/verdict.js';
import type {
  Admission,
  Attempt,
  NewVerification,
  Closure,
  Settlement,
} from './verification-store.js';
import { VerificationStore } from './verification-store.js';

interface Row extends NewVerification {
  expiresAt: number;
  status: 'sending' | 'pending' | 'failed' | 'verified' | 'cancelled';
  attempts: number;
  providerPinId: string;
}

interface NumberRow {
  resendAvailableAt: number;
  pendingPinId: string | undefined;
}

/** Rows are kept this long after their expiry, so that a late caller still hears why. */
const KEPT_MS = hours(24);

/** Keeps verifications in this process: each move runs in one turn of the event loop, so is atomic. */
export class MemoryVerificationStore extends VerificationStore {
  /** In the order of creation, so the oldest come first. */
  private readonly rows = new Map<string, Row>();
  private readonly numbers = new Map<string, NumberRow>();

  override async admit(verification: NewVerification): Promise<Admission> {
    const { pinId, phoneNumber, createdAt, resendAvailableAt } = verification;
    this.forgetBefore(createdAt - KEPT_MS);
    const number = this.numbers.get(phoneNumber.e164);
    if (number && createdAt < number.resendAvailableAt) {
      return { admitted: false, reason: 'cooldown', retryAt: number.resendAvailableAt };
    }
    this.numbers.set(phoneNumber.e164, { resendAvailableAt, pendingPinId: number?.pendingPinId });
    this.rows.set(pinId, { ...verification, status: 'sending', attempts: 0, providerPinId: '' });
    return { admitted: true };
  }

  override async confirm(pinId: string, providerPinId: string): Promise<void> {
    const { row, number } = this.sending(pinId);
    const older = this.rows.get(number.pendingPinId ?? '');
    if (older?.status === 'pending') older.status = 'cancelled';
    Object.assign(row, { status: 'pending', providerPinId });
    number.pendingPinId = pinId;
  }

  override async abandon(pinId: string, textMayHaveLeft: boolean): Promise<void> {
    const { row, number } = this.sending(pinId);
    row.status = 'failed';
    if (!textMayHaveLeft) number.resendAvailableAt = row.createdAt;
  }

  override async takeAttempt(pinId: string, now: number): Promise<Attempt> {
    const row = this.rows.get(pinId);
    if (!row || row.status === 'sending' || row.status === 'failed') {
      return { granted: false, reason: 'not_found' };
    }
    if (row.status !== 'pending' || now >= row.expiresAt || row.attempts >= row.maxAttempts) {
      return { granted: false, reason: closure(row, now) };
    }
    row.attempts += 1;
    return { granted: true, phoneNumber: row.phoneNumber, providerPinId: row.providerPinId };
  }

  override async returnAttempt(pinId: string): Promise<void> {
    const row = this.rows.get(pinId);
    if (row) row.attempts -= 1;
  }

  override async settle(pinId: string, verdict: Verdict, now: number): Promise<Settlement> {
    const row = this.rows.get(pinId);
    if (!row) throw new Error('a verification vanished while its code was judged');
    if (row.status === 'pending' && now < row.expiresAt) {
      switch (verdict) {
        case 'verified':
          row.status = 'verified';
          return { verified: true };
        case 'wrong_code':
          return {
            verified: false,
            reason: 'wrong_code',
            attemptsRemaining: Math.max(0, row.maxAttempts - row.attempts),
          };
        case 'expired':
          row.expiresAt = now;
          break;
        case 'exhausted':
          row.attempts += row.maxAttempts;
          break;
      }
    }
    return { verified: false, reason: closure(row, now) };
  }

  private sending(pinId: string): { row: Row; number: NumberRow } {
    const row = this.rows.get(pinId);
    const number = row && this.numbers.get(row.phoneNumber.e164);
    if (row?.status !== 'sending' || !number) throw new Error('no such verification in `sending`');
    return { row, number };
  }

  private forgetBefore(time: number): void {
    for (const [pinId, { expiresAt, phoneNumber }] of this.rows) {
      if (expiresAt >= time) return;
      this.rows.delete(pinId);
      if ((this.numbers.get(phoneNumber.e164)?.resendAvailableAt ?? time) < time) {
        this.numbers.delete(phoneNumber.e164);
      }
    }
  }
}

/** Why no code of this verification is accepted now. */
function closure({ status, expiresAt }: Row, now: number): Closure {
  if (status === 'verified') return 'already_verified';
  if (status === 'cancelled') return 'cancelled';
  return now >= expiresAt ? 'expired' : 'attempts_exhausted';
}
