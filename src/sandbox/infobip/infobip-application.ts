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
const createSyntaxSchema = (isValid: (text: string) => boolean) =>
  Joi.string()
    .custom((text: string, helpers) => (isValid(text) ? text : helpers.error('any.invalid')))
    .messages({ 'any.invalid': '{#label} is malformed or out of range' });

const createDurationSchema = (maxMs: number) =>
  createSyntaxSchema((text) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms <= maxMs;
  });

const createLimitSchema = (maxIntervalMs: number) =>
  createSyntaxSchema((text) => {
    const limit = parseLimit(text);
    return limit !== undefined && limit.intervalMs <= maxIntervalMs;
  });

const pinAttempts = Joi.number().integer().min(1);
const pinTimeToLive = createDurationSchema(YEAR_MS);
const verifyPinLimit = createLimitSchema(DAY_MS);
const sendLimit = createLimitSchema(YEAR_MS);

export const applicationSchema = Joi.object<ApplicationFields>({
  name: Joi.string().required(),
  enabled: Joi.boolean().default(true),
  configuration: Joi.object({
    pinAttempts: pinAttempts.default(10),
    allowMultiplePinVerifications: Joi.boolean().default(true),
    pinTimeToLive: pinTimeToLive.default('15m'),
    verifyPinLimit: verifyPinLimit.default('1/3s'),
    sendPinPerApplicationLimit: sendLimit.default('10000/1d'),
    sendPinPerPhoneNumberLimit: sendLimit.default('3/1d'),
  }).default(),
});

export const applicationUpdateSchema = Joi.object<ApplicationUpdate>({
  name: Joi.string().required(),
  enabled: Joi.boolean(),
  configuration: Joi.object({
    pinAttempts,
    allowMultiplePinVerifications: Joi.boolean(),
    pinTimeToLive,
    verifyPinLimit,
    sendPinPerApplicationLimit: sendLimit,
    sendPinPerPhoneNumberLimit: sendLimit,
  }),
});
