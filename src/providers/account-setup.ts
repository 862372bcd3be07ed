/**
 * The ids in the settings, and the operator's options. Without an option, an existing application or
 * template keeps its value, and a new one gets a default.
 */
export interface SetupOptions {
  /** The application in the settings, if any. */
  readonly applicationId: string | undefined;
  /** The message template in the settings, if any. */
  readonly templateId: string | undefined;
  /** Selects the application with this name, or creates it; `applicationId` is ignored. */
  readonly applicationName: string | undefined;
  /**
   * A BCP 47 language tag: sets up the template of this language, beside the default one that
   * `templateId` names. Without a tag, sets up the default template.
   */
  readonly locale: string | undefined;
  /** The message, with `{{pin}}`. */
  readonly text: string | undefined;
  /** The sender of SMS that the phone shows. */
  readonly sender: string | undefined;
  /** The language of voice calls, such as `en`; by default that of `locale`. */
  readonly language: string | undefined;
  /** The host whose pages may read the code from the message (WebOTP). */
  readonly webOtpHost: string | undefined;
}

/** One field that the set-up would change. */
export interface SetupChange {
  /** The application or the message template, such as `Message template, new`. */
  readonly resource: string;
  readonly field: string;
  /** As JSON; absent if the account has no value. */
  readonly current: string | undefined;
  /** As JSON. */
  readonly desired: string;
}

/** What the set-up would do; nothing has been changed yet. */
export interface SetupPlan {
  readonly changes: readonly SetupChange[];
  /** The new message, with `{{pin}}`. */
  readonly text: string;
  /** The new message with a sample code in place of `{{pin}}`. */
  readonly sample: string;
  /**
   * Makes the changes, if any.
   * @returns the settings that name the application and the template: values by variable name.
   * @throws AccountError
   */
  apply(): Promise<Readonly<Record<string, string>>>;
}

/** Creates or updates the application and the message template that this service uses. */
export abstract class AccountSetup {
  /**
   * Compares the account with the options and the settings; changes nothing.
   * @throws AccountError if the account cannot be read, SetupOptionError for an invalid option.
   */
  abstract plan(options: SetupOptions): Promise<SetupPlan>;
}

/** An option is invalid; the message says why. */
export class SetupOptionError extends Error {
  override readonly name = 'SetupOptionError';
}
