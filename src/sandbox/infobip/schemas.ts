import Joi from 'joi';
import { ApiError } from './api-error.js';
import { parseDuration, parseLimit } from './mini-syntax.js';

export interface Application {
  readonly applicationId: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly configuration: {
    readonly pinAttempts: number;
    readonly allowMultiplePinVerifications: boolean;
    readonly pinTimeToLive: string;
    readonly verifyPinLimit: string;
    readonly sendPinPerApplicationLimit: string;
    readonly sendPinPerPhoneNumberLimit: string;
  };
}

export interface Template {
  readonly messageId: string;
  readonly applicationId: string;
  readonly messageText: string;
  readonly pinType: 'NUMERIC' | 'ALPHA' | 'HEX' | 'ALPHANUMERIC';
  readonly pinLength: number;
  readonly senderId?: string;
  readonly language?: string;
}

export interface PinRequest {
  readonly applicationId: string;
  readonly messageId: string;
  /** Digits without `+`. */
  readonly to: string;
  readonly from?: string;
  readonly placeholders?: Readonly<Record<string, string>>;
}

/** Text in one of the mini-syntaxes, kept as it was given. */
const written = (parse: (text: string) => unknown, fallback: string) =>
  Joi.string()
    .default(fallback)
    .custom((text: string) => {
      if (parse(text) === undefined) throw new Error('cannot be read');
      return text;
    })
    .messages({ 'any.custom': 'must look like {#label}' });

export const applicationSchema = Joi.object<Omit<Application, 'applicationId'>>({
  name: Joi.string().required(),
  enabled: Joi.boolean().default(true),
  configuration: Joi.object({
    pinAttempts: Joi.number().integer().min(1).default(10),
    allowMultiplePinVerifications: Joi.boolean().default(true),
    pinTimeToLive: written(parseDuration, '15m'),
    verifyPinLimit: written(parseLimit, '1/3s'),
    sendPinPerApplicationLimit: written(parseLimit, '10000/1d'),
    sendPinPerPhoneNumberLimit: written(parseLimit, '3/1d'),
  }).default(),
});

export const templateSchema = Joi.object<Omit<Template, 'messageId' | 'applicationId'>>({
  messageText: Joi.string()
    .pattern(/\{\{pin\}\}/)
    .required(),
  pinType: Joi.string().valid('NUMERIC', 'ALPHA', 'HEX', 'ALPHANUMERIC').required(),
  pinLength: Joi.number().integer().min(1).max(8).default(4),
  senderId: Joi.string(),
  language: Joi.string(),
});

export const pinRequestSchema = Joi.object<PinRequest>({
  applicationId: Joi.string().required(),
  messageId: Joi.string().required(),
  to: Joi.string()
    .pattern(/^[1-9]\d{6,14}$/)
    .required(),
  from: Joi.string(),
  placeholders: Joi.object({ pin: Joi.forbidden() }).pattern(Joi.string(), Joi.string()),
});

export const verifySchema = Joi.object<{ pin: string }>({ pin: Joi.string().required() });

/**
 * Reads a request body, with the defaults filled in; fields that the API does not know are let pass.
 * @throws ApiError 400, naming each field at fault.
 */
export function read<T>(schema: Joi.ObjectSchema<T>, body: unknown): T {
  const result = schema.required().validate(body, { abortEarly: false, stripUnknown: true });
  if (!result.error) return result.value;
  const validationErrors: Record<string, string[]> = {};
  for (const { path, message } of result.error.details) {
    (validationErrors[path.join('.')] ??= []).push(message);
  }
  throw new ApiError(400, validationErrors);
}
