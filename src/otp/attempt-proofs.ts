import { Inject, Injectable } from '@nestjs/common';
import { DomainError } from '../common/domain-error.js';
import { PROOF_SIGNER } from '../proof/proof.module.js';
import type { ProofRequest, ProofSigner } from '../proof/proof-signer.js';
import { isTestProvider } from '../providers/test-number.provider.js';
import type { Attempt } from '../storage/attempt.types.js';

const NO_PROOFS =
  'This service issues no proofs, because it has no PROOF_KEYS. Leave the field out.';

/** Checks requests for proofs, and adds proofs to attempts whose code is right. */
@Injectable()
export class AttemptProofs {
  constructor(@Inject(PROOF_SIGNER) private readonly signer: ProofSigner | null) {}

  /**
   * Checks that the service can issue the requested proof.
   * @param audience the `proofFor` of the request
   * @returns `undefined` if the client asks for no proof
   * @throws DomainError `validation_failed` if the service issues no proofs
   */
  toProofRequest(
    audience: string | undefined,
    reference: string | undefined,
  ): ProofRequest | undefined {
    if (audience === undefined) return undefined;
    if (this.signer) return { audience, reference };
    throw new DomainError('validation_failed', {
      fieldErrors: [{ pointer: '#/proofFor', detail: NO_PROOFS }],
    });
  }

  /**
   * Adds the requested proof, if any. It is signed before the result is stored, so that a replayed
   * response has the same proof. Of concurrent requests, only the one that gets `verified: true`
   * returns its proof.
   * @param verifiedAt by the service's clock, in milliseconds
   */
  async addTo(
    attempt: Attempt,
    request: ProofRequest | undefined,
    verifiedAt: number,
  ): Promise<Attempt> {
    if (!request || !this.signer) return attempt;
    const isTestNumber = isTestProvider(attempt.provider);
    const { pinId, phoneNumber, channel } = attempt;
    const subject = { pinId, phoneNumber, channel, isTestNumber };
    const proof = await this.signer.sign(subject, request, verifiedAt);
    return { proof, ...attempt };
  }
}
