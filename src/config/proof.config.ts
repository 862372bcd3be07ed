import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { defineConfig, setting } from './define-config.js';
import { parsedBy } from './env-types.js';
import { parseProofKeys } from './proof-keys.js';

const DEVELOPMENT_ISSUER = 'otp-service';

export const proofConfig = defineConfig('proof', 'Proofs', {
  /** The first key signs. Without keys, the service issues no proofs. */
  keys: setting('PROOF_KEYS', parsedBy(parseProofKeys).default([]), {
    description:
      'private Ed25519 keys for proofs: the first one signs, and the public parts of all are published',
    values: 'JWK Set; `npm run proof:new` makes one',
    defaultInWords: 'no proofs',
    isSecret: true,
  }),
  /** The claim `iss`. In production, empty if there are no keys. */
  issuer: setting(
    'PROOF_ISSUER',
    parsedBy(parseIssuer)
      .when('NODE_ENV', {
        is: 'production',
        then: Joi.when('PROOF_KEYS', {
          is: Joi.array().min(1).required(),
          then: Joi.required(),
          otherwise: Joi.any().default(''),
        }),
        otherwise: Joi.any().default(DEVELOPMENT_ISSUER),
      })
      .messages({ 'any.required': '{#label} is required, because PROOF_KEYS is set' }),
    {
      description: 'issuer of the proofs: the claim `iss`, which other services compare',
      values: 'URL or name',
      defaultInWords: 'required with `PROOF_KEYS`',
      developmentDefault: `\`${DEVELOPMENT_ISSUER}\``,
      example: 'https://otp.example.com',
    },
  ),
});
export type ProofConfig = ConfigType<typeof proofConfig>;

/** A StringOrURI (RFC 7519 §2): any text, but with a colon it must be a URL. */
function parseIssuer(text: string): string {
  if (text.includes(':') && !URL.canParse(text)) {
    throw new Error('must be a URL such as https://otp.example.com, or a name without a colon');
  }
  return text;
}
