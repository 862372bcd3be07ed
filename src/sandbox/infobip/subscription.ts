import Joi from 'joi';
import { httpUrlSchema } from '../http-url-schema.js';
import { validateInput } from '../validate-input.js';

/** A request to Infobip's Subscriptions API to send the reports of some events to a URL. */
export interface InfobipSubscription {
  readonly subscriptionId: string;
  /** Only `DELIVERY` has an effect in the sandbox. */
  readonly events: readonly string[];
  readonly profile: {
    readonly profileId: string;
    readonly webhook: { readonly notifyUrl: string; readonly contentType: string };
    /** Maximum number of reports in one request. */
    readonly maxBucketSize: number;
    /** Timeout for the response to a report, in milliseconds. */
    readonly readTimeout: number;
    /** Static headers of each request. */
    readonly headers: Readonly<Record<string, string>>;
    readonly security?: SubscriptionSecurity;
  };
}

export type SubscriptionSecurity =
  | {
      readonly type: 'BASIC';
      readonly credentials: { readonly username: string; readonly password: string };
    }
  | {
      readonly type: 'HMAC';
      readonly credentials: { readonly secretKey: string; readonly algorithm: string };
    };

/** Node's name of the hash function, by Infobip's name of the HMAC. */
export const HMAC_ALGORITHMS: Readonly<Record<string, string>> = {
  HMAC_MD5: 'md5',
  HMAC_SHA_1: 'sha1',
  HMAC_SHA_224: 'sha224',
  HMAC_SHA_256: 'sha256',
  HMAC_SHA_384: 'sha384',
  HMAC_SHA_512: 'sha512',
};

const id = Joi.string().max(255);
const secret = Joi.string().min(1).max(255);

export const subscriptionSchema = Joi.object<InfobipSubscription>({
  subscriptionId: id.required(),
  events: Joi.array()
    .items(Joi.valid('DELIVERY', 'CLICK', 'INBOUND_MESSAGE'))
    .required(),
  profile: Joi.object({
    profileId: id.required(),
    webhook: Joi.object({
      notifyUrl: httpUrlSchema.max(512).required(),
      contentType: Joi.string().valid('application/json').default('application/json'),
    }).required(),
    maxBucketSize: Joi.number().integer().min(1).max(2_000).default(100),
    readTimeout: Joi.number().integer().min(1_000).max(90_000).default(10_000),
    headers: Joi.object().pattern(Joi.string(), Joi.string()).default({}),
    security: Joi.object({
      type: Joi.string().valid('BASIC', 'HMAC').required(),
      credentials: Joi.when('type', {
        is: 'HMAC',
        then: Joi.object({
          secretKey: secret.required(),
          algorithm: Joi.string()
            .valid(...Object.keys(HMAC_ALGORITHMS))
            .required(),
        }),
        otherwise: Joi.object({ username: secret.required(), password: secret.required() }),
      }).required(),
    }),
  }).required(),
});

/** Options of a subscription that the sandbox creates without a request to its API. */
export interface SubscriptionOptions {
  readonly url: string;
  /** Sent as header `x-delivery-token`. */
  readonly token?: string | undefined;
  /** Secret key of the HMAC-SHA-256. */
  readonly hmacSecret?: string | undefined;
}

/** Creates a subscription to delivery reports. @throws ValidationError for an invalid URL */
export function createSubscription({ url, token, hmacSecret }: SubscriptionOptions) {
  return validateInput(subscriptionSchema, {
    subscriptionId: 'sandbox',
    events: ['DELIVERY'],
    profile: {
      profileId: 'sandbox',
      webhook: { notifyUrl: url },
      ...(token && { headers: { 'x-delivery-token': token } }),
      ...(hmacSecret && {
        security: {
          type: 'HMAC',
          credentials: { secretKey: hmacSecret, algorithm: 'HMAC_SHA_256' },
        },
      }),
    },
  });
}
