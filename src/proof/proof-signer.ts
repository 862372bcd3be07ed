import { createHash, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose/jwt/sign';
import type { Channel } from '../common/channel.js';
import type { Clock } from '../common/clock.js';
import { minutes, seconds } from '../common/durations.js';
import type { PhoneNumber } from '../common/phone-number.js';
import { getRandomBytes } from '../common/random.js';
import type { ProofKey } from '../config/proof-keys.js';

/** How long a proof is valid, in milliseconds. */
const LIFETIME_MS = minutes(5);

/** 128 random bits, so that every `jti` is unique. */
const PROOF_ID_BYTES = 16;

/**
 * Authentication methods of RFC 8176, which has none for WhatsApp. `mca` is multiple-channel
 * authentication: the code is received on one channel and submitted on another.
 */
const AUTHENTICATION_METHODS: Readonly<Record<Channel, string>> = {
  sms: 'sms',
  voice: 'tel',
  whatsapp: 'mca',
};

/** The verification that a proof is about. */
export interface ProofSubject {
  readonly pinId: string;
  /** The number that received the code. */
  readonly phoneNumber: PhoneNumber;
  readonly channel: Channel;
  /** Whether nothing was sent, because the number is a test number. */
  readonly isTestNumber: boolean;
}

/** The parts of a proof that the client chooses. */
export interface ProofRequest {
  /** The service that will check the proof (`proofFor`). */
  readonly audience: string;
  /** The `reference` of the verification, if it has one. */
  readonly reference: string | undefined;
}

/** Signs proofs that a number was verified: JSON Web Tokens (RFC 7519) with EdDSA (RFC 8037). */
export class ProofSigner {
  private readonly privateKey: KeyObject;
  private readonly header: Readonly<Record<'alg' | 'kid' | 'typ', string>>;

  constructor(
    { privateKey, publicKey: { alg, kid } }: ProofKey,
    private readonly issuer: string,
    private readonly clock: Clock,
  ) {
    this.privateKey = privateKey;
    this.header = { alg, kid, typ: 'JWT' };
  }

  /**
   * Signs a proof.
   * @param verifiedAt when the number was verified, by `clock`
   * @returns a JWT in compact form
   */
  sign(
    { pinId, phoneNumber, channel, isTestNumber }: ProofSubject,
    { audience, reference }: ProofRequest,
    verifiedAt: number,
  ): Promise<string> {
    // Converted to the wall clock: other services compare `iat` and `exp` with theirs.
    const issuedAt = Math.floor(this.clock.toDate(verifiedAt).getTime() / seconds(1));
    const claims = {
      iss: this.issuer,
      aud: audience,
      sub: pinId,
      phone_number: phoneNumber.e164,
      phone_number_verified: true,
      ...(isTestNumber ? { test: true } : { amr: [AUTHENTICATION_METHODS[channel]] }),
      ...(reference !== undefined && { reference_hash: hashReference(reference) }),
      iat: issuedAt,
      exp: issuedAt + LIFETIME_MS / seconds(1),
      jti: getRandomBytes(PROOF_ID_BYTES).toString('base64url'),
    };
    return new SignJWT(claims).setProtectedHeader(this.header).sign(this.privateKey);
  }
}

/** A plain hash, without a secret: another service that knows the reference can compute it. */
const hashReference = (reference: string): string =>
  createHash('sha256').update(reference).digest('base64url');
