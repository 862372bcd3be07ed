import Joi from 'joi';
import {
  FAULTS_BY_OPERATION,
  REPORT_FAULT_KINDS,
  SANDBOX_OPERATIONS,
  type ReportOutcome,
  type SandboxOperation,
} from '../faults/sandbox-fault.js';
import type { PlannedFault, PlannedReportFault } from '../faults/fault-injector.js';
import { httpUrlSchema } from '../http-url-schema.js';
import { REPORT_SHAPES } from '../infobip/delivery-report.js';
import { ERROR_SHAPES } from '../infobip/infobip-error.js';
import { PROVIDER_NAMES } from '../provider-name.js';
import { HEADER_NAME_PATTERN, type SandboxSettings } from '../sandbox-settings.js';

/**
 * The latest time to which the clock can be moved. An ISO 8601 date has a year of four digits. The year
 * 9999 is left for later times, such as an expiry.
 */
export const MAX_TIME_MS = Date.parse('9999-01-01');

const errorShape = Joi.string().valid(...ERROR_SHAPES);

/** A phone number in any format, or an e-mail address. Only the digits of a number are compared. */
const recipient = Joi.string()
  .pattern(/\d|@/)
  .messages({ 'string.pattern.base': '{#label} must be a phone number or an e-mail address' });

const faultPlan = {
  provider: Joi.string().valid(...PROVIDER_NAMES),
  to: recipient,
  times: Joi.number().integer().min(1).max(1_000_000).default(1),
  delayMs: Joi.number().integer().min(0).max(600_000),
};

const requestFaultSchema = Joi.object<PlannedFault>({
  ...faultPlan,
  // `report` has a schema of its own, but the error for an unknown operation lists it, too.
  operation: Joi.string()
    .valid(...SANDBOX_OPERATIONS, 'report')
    .required(),
  kind: Joi.string()
    .required()
    .when('operation', {
      switch: SANDBOX_OPERATIONS.map((operation: SandboxOperation) => ({
        is: operation,
        then: Joi.valid(...FAULTS_BY_OPERATION[operation]),
      })),
    }),
  // Sinch has no resend and no configuration calls.
  provider: faultPlan.provider.when('operation', {
    is: Joi.valid('resend', 'configuration'),
    then: Joi.invalid('sinch'),
  }),
  // Requests for applications and templates have no recipient.
  to: recipient.when('operation', { is: 'configuration', then: Joi.forbidden() }),
  /** Whether the operation is still performed, so that only its response fails. */
  performed: Joi.boolean(),
  errorShape,
});

const reportOutcome = {
  status: Joi.string().pattern(/^\w{1,100}$/),
  reason: Joi.string().max(100),
  groupId: Joi.number().integer().min(0),
  errorId: Joi.number().integer().min(0),
};

const reportFaultSchema = Joi.object<PlannedReportFault>({
  ...faultPlan,
  ...reportOutcome,
  operation: Joi.string().valid('report').required(),
  kind: Joi.string()
    .valid(...REPORT_FAULT_KINDS)
    .required(),
  // A week, instead of the maximum in `faultPlan`.
  delayMs: faultPlan.delayMs.max(7 * 86_400_000),
});

export const faultSchema: Joi.Schema<PlannedFault | PlannedReportFault> =
  Joi.alternatives().conditional('.operation', {
    is: 'report',
    then: reportFaultSchema,
    otherwise: requestFaultSchema,
  });

/** The body of `POST /sandbox/reports`, which sends one more report of a message. */
export const reportSchema = Joi.object<ReportOutcome & { messageId: string }>({
  ...reportOutcome,
  messageId: Joi.string().required(),
  isMalformed: Joi.boolean(),
});

/** `all` also sends the reports that are not due yet. */
export const reportDeliverySchema = Joi.object<{ all: boolean }>({
  all: Joi.boolean().default(false),
});

type SandboxClockChange = { readonly advanceMs: number } | { readonly now: Date };

export const clockSchema = Joi.object<SandboxClockChange>({
  advanceMs: Joi.number().integer().min(0),
  now: Joi.date().min(0).max(MAX_TIME_MS),
}).xor('advanceMs', 'now');

/** An empty or missing filter matches all recipients. */
const recipientFilter = Joi.string().empty('');

export const recipientQuerySchema = Joi.object<{ to?: string }>({ to: recipientFilter });

/** `after` is the number of the last message that the client of the stream has. */
export const messageStreamQuerySchema = Joi.object<{ to?: string; after?: number }>({
  to: recipientFilter,
  after: Joi.number().integer().min(0),
});

export const fixedPinSchema = Joi.object<{ to: string; pin: string }>({
  to: recipient.required(),
  pin: Joi.string()
    .pattern(/^[0-9A-Za-z]{1,16}$/)
    .required(),
});

export const settingsSchema = Joi.object<Partial<SandboxSettings>>({
  errorShape,
  reportShape: Joi.string().valid(...REPORT_SHAPES),
  reportHmacHeader: Joi.string().pattern(HEADER_NAME_PATTERN),
  sinchCallbackUrl: httpUrlSchema.allow(''),
}).min(1);
