import Joi from 'joi';
import { validateInput } from '../validate-input.js';

/** An order to send delivery reports to a URL, as Infobip's Subscriptions API takes it. */
export interface InfobipSubscription {
  readonly subscriptionId: string;
  readonly events: readonly string[];
  readonly profile: {
    readonly profileId: string;
    readonly webhook: { readonly notifyUrl: string; readonly contentType: string };
    /** Most reports in one request. */
    readonly maxBucketSize: number;
    /** Milliseconds. */
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

/** The names of the hash functions in Node, by Infobip's name. */
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
      notifyUrl: Joi.string()
        .uri({ scheme: ['http', 'https'] })
        .max(512)
        .required(),
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

/** A subscription in the settings of the sandbox. */
export interface SubscriptionOptions {
  readonly url: string;
  /** Sent as header `x-delivery-token`. */
  readonly token?: string | undefined;
  /** Key of HMAC-SHA-256. */
  readonly hmacSecret?: string | undefined;
}

/** @throws ValidationError for an invalid URL */
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
