import Joi from 'joi';
import {
  FAULTS_BY_OPERATION,
  SANDBOX_OPERATIONS,
  type SandboxOperation,
} from '../faults/sandbox-fault.js';
import type { PlannedFault } from '../faults/fault-injector.js';
import { ERROR_SHAPES, type InfobipErrorShape } from '../infobip/infobip-error.js';
import { PROVIDER_NAMES } from '../provider-name.js';

/** The latest time of the clock: an ISO 8601 date has a year of four digits. */
export const MAX_TIME_MS = Date.parse('9999-01-01');

const errorShape = Joi.string().valid(...ERROR_SHAPES);

export const faultSchema = Joi.object<PlannedFault>({
  operation: Joi.string()
    .valid(...SANDBOX_OPERATIONS)
    .required(),
  kind: Joi.string()
    .required()
    .when('operation', {
      switch: SANDBOX_OPERATIONS.map((operation: SandboxOperation) => ({
        is: operation,
        then: Joi.valid(...FAULTS_BY_OPERATION[operation]),
      })),
    }),
  provider: Joi.string()
    .valid(...PROVIDER_NAMES)
    // Sinch has no resend and no configuration calls.
    .when('operation', { is: Joi.valid('resend', 'configuration'), then: Joi.invalid('sinch') }),
  times: Joi.number().integer().min(1).max(1_000_000).default(1),
  performed: Joi.boolean(),
  delayMs: Joi.number().integer().min(0).max(600_000),
  errorShape,
});

type SandboxClockChange = { readonly advanceMs: number } | { readonly now: Date };

export const clockSchema = Joi.object<SandboxClockChange>({
  advanceMs: Joi.number().integer().min(0),
  now: Joi.date().min(0).max(MAX_TIME_MS),
}).xor('advanceMs', 'now');

const recipient = Joi.string().empty('');

export const recipientQuerySchema = Joi.object<{ to?: string }>({ to: recipient });

export const streamQuerySchema = Joi.object<{ to?: string; after?: number }>({
  to: recipient,
  after: Joi.number().integer().min(0),
});

export const fixedPinSchema = Joi.object<{ to: string; pin: string }>({
  to: Joi.string()
    .pattern(/\d|@/)
    .required()
    .messages({ 'string.pattern.base': '{#label} must be a number or an e-mail address' }),
  pin: Joi.string()
    .pattern(/^[0-9A-Za-z]{1,16}$/)
    .required(),
});

export const settingsSchema = Joi.object<{ errorShape: InfobipErrorShape }>({
  errorShape: errorShape.required(),
});
