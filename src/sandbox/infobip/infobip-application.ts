import Joi from 'joi';
import { parseDuration, parseLimit } from './limit-syntax.js';

export interface ApplicationFields {
  readonly name: string;
  readonly enabled: boolean;
  readonly configuration: {
    /** Number of wrong PINs allowed for each sent PIN. */
    readonly pinAttempts: number;
    readonly allowMultiplePinVerifications: boolean;
    /** A duration, such as `15m`. */
    readonly pinTimeToLive: string;
    /** Limits the verify calls for one number. A limit such as `3/1d` means 3 requests in one day. */
    readonly verifyPinLimit: string;
    readonly sendPinPerApplicationLimit: string;
    readonly sendPinPerPhoneNumberLimit: string;
  };
}

export interface InfobipApplication extends ApplicationFields {
  readonly applicationId: string;
}

/** An update changes only the fields that it has. */
export interface ApplicationUpdate {
  readonly name: string;
  readonly enabled?: boolean;
  readonly configuration?: Partial<ApplicationFields['configuration']>;
}

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

/** Checks a duration or limit, but keeps its text, because the API returns it unchanged. */
const createSyntaxSchema = (parseMs: (text: string) => number | undefined, maxMs: number) =>
  Joi.string()
    .custom((text: string, helpers) =>
      (parseMs(text) ?? Infinity) <= maxMs ? text : helpers.error('any.invalid'),
    )
    .messages({ 'any.invalid': '{#label} is malformed or out of range' });

const createLimitSchema = (maxIntervalMs: number) =>
  createSyntaxSchema((text) => parseLimit(text)?.intervalMs, maxIntervalMs);

const sendLimit = createLimitSchema(YEAR_MS);

export const applicationSchema = Joi.object<ApplicationFields>({
  name: Joi.string().required(),
  enabled: Joi.boolean().default(true),
  configuration: Joi.object({
    pinAttempts: Joi.number().integer().min(1).default(10),
    allowMultiplePinVerifications: Joi.boolean().default(true),
    pinTimeToLive: createSyntaxSchema(parseDuration, YEAR_MS).default('15m'),
    verifyPinLimit: createLimitSchema(DAY_MS).default('1/3s'),
    sendPinPerApplicationLimit: sendLimit.default('10000/1d'),
    sendPinPerPhoneNumberLimit: sendLimit.default('3/1d'),
  }).default(),
});

/** Without defaults, because an update changes only the fields that it has. */
export const applicationUpdateSchema: Joi.AnySchema<ApplicationUpdate> = applicationSchema.prefs({
  noDefaults: true,
});
