/** What the operator asks for. An option that is absent keeps the present value, or the default. */
export interface SetupOptions {
  /** The configured application, if any. */
  readonly applicationId: string | undefined;
  /** The configured message template, if any. */
  readonly messageId: string | undefined;
  /** Another application than the configured one: found by this name, or created. */
  readonly name: string | undefined;
  /** The message, with `{{pin}}`. */
  readonly text: string | undefined;
  readonly sender: string | undefined;
  /** The language of calls, as the provider's code. */
  readonly language: string | undefined;
  /** The host whose pages may read the code from the message (WebOTP). */
  readonly webOtpHost: string | undefined;
}

/** One field that the set-up would change. */
export interface SetupChange {
  /** The object that has the field. */
  readonly subject: string;
  readonly field: string;
  readonly current: string | undefined;
  readonly desired: string;
}

/** What the set-up would do; nothing has been changed yet. */
export interface SetupPlan {
  readonly changes: readonly SetupChange[];
  /** The new message, with `{{pin}}`. */
  readonly text: string;
  /** The message as a phone shows it, with a code of the right length. */
  readonly sample: string;
  /**
   * Makes the changes, if any.
   * @returns the settings that name the application and the template.
   * @throws AccountError
   */
  apply(): Promise<Readonly<Record<string, string>>>;
}

/** Creates or updates at the provider what this service needs, with safe values. */
export abstract class AccountSetup {
  /**
   * Reads the account and compares it; changes nothing.
   * @throws AccountError if the account cannot be read, SetupOptionError for an invalid option.
   */
  abstract plan(options: SetupOptions): Promise<SetupPlan>;
}

/** An option is invalid; the message says why. */
export class SetupOptionError extends Error {
  override readonly name = 'SetupOptionError';
}
