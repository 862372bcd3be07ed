import Joi from 'joi';
import type { InfobipChannel } from './simulate-delivery.js';

export interface PinSendRequest {
  readonly applicationId: string;
  /** The id of the message template. */
  readonly messageId: string;
  /** Digits without `+`, or an e-mail address. */
  readonly to: string;
  readonly from?: string;
  readonly placeholders?: Readonly<Record<string, string>>;
  readonly trackDelivery?: boolean;
}

export type PinResendRequest = Pick<PinSendRequest, 'placeholders' | 'trackDelivery'>;

const placeholders = Joi.object({ pin: Joi.forbidden() }).pattern(Joi.string(), Joi.string());
/** Accepted but not used: the sandbox has no landing pages. */
const landingPage = {
  landingPagePlaceholders: Joi.object().pattern(Joi.string(), Joi.string()),
};
const trackDelivery = Joi.boolean();

const sharedFields = {
  applicationId: Joi.string().required(),
  messageId: Joi.string().required(),
  from: Joi.string(),
  placeholders,
};
const phoneNumber = Joi.string()
  .pattern(/^[1-9]\d{6,14}$/)
  .messages({ 'string.pattern.base': '{#label} must be an international number in digits' });
const phoneSendSchema = Joi.object<PinSendRequest>({
  ...sharedFields,
  to: phoneNumber.required(),
  trackDelivery,
});
const emailSendSchema = Joi.object<PinSendRequest>({
  ...sharedFields,
  to: Joi.string().email({ tlds: false }).required(),
  ...landingPage,
});

export const sendSchemas: Record<InfobipChannel, Joi.ObjectSchema<PinSendRequest>> = {
  sms: phoneSendSchema,
  voice: phoneSendSchema,
  email: emailSendSchema,
};

const phoneResendSchema = Joi.object<PinResendRequest>({ placeholders, trackDelivery });

export const resendSchemas: Record<InfobipChannel, Joi.ObjectSchema<PinResendRequest>> = {
  sms: phoneResendSchema,
  voice: phoneResendSchema,
  email: Joi.object<PinResendRequest>({ placeholders, ...landingPage }),
};

export const verifySchema = Joi.object<{ pin: string }>({ pin: Joi.string().required() });
