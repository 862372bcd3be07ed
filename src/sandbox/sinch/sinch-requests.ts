import Joi from 'joi';

const METHODS = ['sms', 'callout', 'flashcall', 'whatsapp', 'seamless'] as const;
export type SinchMethod = (typeof METHODS)[number];

const CODE_TYPES = ['Numeric', 'Alpha', 'Alphanumeric'] as const;
export type SinchCodeType = (typeof CODE_TYPES)[number];

export interface SinchStartRequest {
  readonly identity: { readonly type: 'number'; readonly endpoint: string };
  readonly method: SinchMethod;
  readonly reference?: string;
  /** Returned in callbacks. */
  readonly custom?: string;
  readonly smsOptions: { readonly codeType: SinchCodeType; readonly expiry?: string };
  readonly whatsappOptions: { readonly codeType: SinchCodeType };
  readonly flashCallOptions: { readonly interceptionTimeout: number };
  /** Not used: the sandbox makes no real calls. */
  readonly calloutOptions?: object;
}

/** Accepts `flashCall`, too: Sinch's older documentation writes the method in this way. */
const normalizedMethod = Joi.string<SinchMethod>().replace(/^flashCall$/, 'flashcall');

export const methodSchema = normalizedMethod.valid(...METHODS);

const codeType = Joi.string()
  .valid(...CODE_TYPES)
  .default('Numeric');
/** Seconds. */
const timeoutS = Joi.number().integer().min(5).max(120);

/** E.164 with a leading `+`. */
const phoneNumber = Joi.string()
  .pattern(/^\+[1-9]\d{6,14}$/)
  .messages({ 'string.pattern.base': '{#label} must be an E.164 number with a leading +' });

export const startSchema = Joi.object<SinchStartRequest>({
  identity: Joi.object({
    type: Joi.string().valid('number').required(),
    endpoint: phoneNumber.required(),
  }).required(),
  method: methodSchema.required(),
  // The reference becomes a path segment, so `.` and `..` are invalid (RFC 3986 §5.2.4).
  reference: Joi.string().pattern(/^(?!\.\.?$)[\w.~-]{1,1024}$/),
  custom: Joi.string().max(4096),
  smsOptions: Joi.object({
    codeType,
    // `HH:MM:SS`
    expiry: Joi.string().pattern(/^(?!00:00:00)\d\d:[0-5]\d:[0-5]\d$/),
  }).default(),
  whatsappOptions: Joi.object({ codeType }).default(),
  flashCallOptions: Joi.object({
    dialTimeout: timeoutS,
    interceptionTimeout: timeoutS.default(60),
  }).default(),
  calloutOptions: Joi.object({ speech: Joi.object({ locale: Joi.string() }) }),
});

/** In Sinch's API, a report is the request that submits the code of a verification. */
export interface SinchReportRequest {
  readonly method: Exclude<SinchMethod, 'seamless'>;
  readonly sms?: { readonly code: string };
  readonly callout?: { readonly code: string };
  readonly whatsapp?: { readonly code: string };
  /** `cli`: the caller's number. */
  readonly flashCall?: { readonly cli: string };
}

const codePart = Joi.object({
  code: Joi.string()
    .pattern(/^[A-Za-z0-9-]{1,10}$/)
    .required()
    .messages({ 'string.pattern.base': '{#label} must be at most 10 letters, digits or hyphens' }),
});

/** A report must have the part that belongs to its method, such as `sms` for the method `sms`. */
const createPartSchema = (method: SinchMethod, schema: Joi.ObjectSchema) =>
  schema.when('method', { is: method, then: Joi.required() });

export const reportSchema = Joi.object<SinchReportRequest>({
  method: normalizedMethod.valid('sms', 'callout', 'flashcall', 'whatsapp').required(),
  sms: createPartSchema('sms', codePart),
  callout: createPartSchema('callout', codePart),
  whatsapp: createPartSchema('whatsapp', codePart),
  flashCall: createPartSchema('flashcall', Joi.object({ cli: phoneNumber.required() })),
});

/** Returns the code that the end user typed, or the caller's number of a flash call. */
export function getSubmittedCode(report: SinchReportRequest): string | undefined {
  return report.method === 'flashcall' ? report.flashCall?.cli : report[report.method]?.code;
}

/** Converts a duration in the form `HH:MM:SS` to milliseconds. */
export function parseClockDuration(duration: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = duration.split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000;
}
