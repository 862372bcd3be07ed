import Joi from 'joi';
import type { Channel } from './delivery.js';

type Placeholders = Readonly<Record<string, string>>;

export interface SendRequest {
  readonly applicationId: string;
  readonly messageId: string;
  /** Digits without `+`, or an e-mail address. */
  readonly to: string;
  readonly from?: string;
  readonly placeholders?: Placeholders;
  /** Taken and not used: the landing page is not the sandbox's. */
  readonly landingPagePlaceholders?: Placeholders;
  readonly trackDelivery?: boolean;
}

export type ResendRequest = Pick<
  SendRequest,
  'placeholders' | 'landingPagePlaceholders' | 'trackDelivery'
>;

const placeholders = Joi.object({ pin: Joi.forbidden() }).pattern(Joi.string(), Joi.string());
const landingPagePlaceholders = Joi.object().pattern(Joi.string(), Joi.string());
const trackDelivery = Joi.boolean();

const message = {
  applicationId: Joi.string().required(),
  messageId: Joi.string().required(),
  from: Joi.string(),
  placeholders,
};
const number = Joi.string()
  .pattern(/^[1-9]\d{6,14}$/)
  .messages({ 'string.pattern.base': '{#label} must be an international number in digits' });
const toPhone = Joi.object<SendRequest>({ ...message, to: number.required(), trackDelivery });
const toMailbox = Joi.object<SendRequest>({
  ...message,
  to: Joi.string().email({ tlds: false }).required(),
  landingPagePlaceholders,
});

export const sendSchemas: Record<Channel, Joi.ObjectSchema<SendRequest>> = {
  sms: toPhone,
  voice: toPhone,
  email: toMailbox,
};

const again = Joi.object<ResendRequest>({ placeholders, trackDelivery });

export const resendSchemas: Record<Channel, Joi.ObjectSchema<ResendRequest>> = {
  sms: again,
  voice: again,
  email: Joi.object<ResendRequest>({ placeholders, landingPagePlaceholders }),
};

export const verifySchema = Joi.object<{ pin: string }>({ pin: Joi.string().required() });
