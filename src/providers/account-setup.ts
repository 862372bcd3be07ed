/** What an operator asks of a set-up; what is not given stays as it is, or gets a default. */
export interface SetupOptions {
  /** The application that is configured already, if any. */
  readonly applicationId: string | undefined;
  /** The message template that is configured already, if any. */
  readonly messageId: string | undefined;
  /** Names another application than the configured one: it is found by this name, or created. */
  readonly name: string | undefined;
  /** The message, with `{{pin}}` in it. */
  readonly text: string | undefined;
  readonly sender: string | undefined;
  /** Of calls: the vendor's code for it. */
  readonly language: string | undefined;
  /** The host whose pages may read the code from the text (WebOTP). */
  readonly webOtpHost: string | undefined;
}

/** One field that a set-up would change. */
export interface Change {
  /** What it belongs to. */
  readonly subject: string;
  readonly field: string;
  /** `undefined` where it is not set. */
  readonly current: string | undefined;
  readonly desired: string;
}

/** What a set-up would do. Nothing has been done yet. */
export interface SetupPlan {
  /** Empty where everything is as it should be. */
  readonly changes: readonly Change[];
  /** The message as it will be, with `{{pin}}` in it. */
  readonly text: string;
  /** The message as a phone will show it, with a code of the right length. */
  readonly sample: string;
  /**
   * Makes the changes, if there are any.
   * @returns the settings that name what was set up.
   * @throws AccountError
   */
  apply(): Promise<Readonly<Record<string, string>>>;
}

/** Creates or updates at the vendor what this service needs there, with safe values. */
export abstract class AccountSetup {
  /**
   * Reads the account and compares; changes nothing.
   * @throws AccountError where the account cannot be read, WishError where a wish cannot be met.
   */
  abstract plan(wishes: SetupOptions): Promise<SetupPlan>;
}

/** A wish that cannot be met, with the reason as the message. */
export class SetupOptionError extends Error {
  override readonly name = 'WishError';
}
