import { IsNotEmpty, IsString, Matches } from 'class-validator';
import type { Closure } from '../../storage/verification-store.js';

export class VerifyRequest {
  /** The handle that send answered with. */
  @IsString({ message: 'Give the pinId that /otp/send answered with, as a string.' })
  @IsNotEmpty({ message: 'Give the pinId that /otp/send answered with.' })
  readonly pinId!: string;

  /** What the user typed. */
  @Matches(/^[0-9a-z]{4,10}$/i, {
    message: 'Give the code as a string of 4 to 10 digits or letters.',
  })
  readonly otpCode!: string;
}

export interface VerifyResponse {
  readonly verified: boolean;
  /** Why not; absent on success. */
  readonly reason?: Closure | 'wrong_code';
  /** How many more codes may be tried; only after a wrong one. */
  readonly attemptsRemaining?: number;
}
