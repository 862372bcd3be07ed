const MESSAGES = {
  unknown_format: 'A newer release encrypted the stored data.',
  unknown_secret: 'OTP_SECRET no longer lists the secret of the stored data.',
  corrupted: 'The stored data was changed, or moved to another row.',
  unexpected_shape: 'The stored data is not of the expected shape.',
};

/** Returned, not thrown, if stored data cannot be decrypted or has an unexpected shape. */
export class UnreadableDataError extends Error {
  /** Distinguishes it from decrypted data, which has no `outcome`. */
  readonly outcome = 'unreadable';

  constructor(readonly reason: keyof typeof MESSAGES) {
    super(MESSAGES[reason]);
  }
}
