import { Module } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { proofConfig, type ProofConfig } from '../config/proof.config.js';
import { StorageModule } from '../storage/storage.module.js';
import type { ProofSigner } from './proof-signer.js';

/** Injects the {@link ProofSigner}, or `null` if the service issues no proofs. */
export const PROOF_SIGNER = Symbol('ProofSigner');

/** Signs proofs. The signer is imported dynamically: without `PROOF_KEYS`, jose is not loaded. */
@Module({
  // For the Clock.
  imports: [StorageModule],
  providers: [
    {
      provide: PROOF_SIGNER,
      inject: [proofConfig.KEY, Clock],
      useFactory: async (
        { keys: [key], issuer }: ProofConfig,
        clock: Clock,
      ): Promise<ProofSigner | null> => {
        if (!key) return null;
        const { ProofSigner } = await import('./proof-signer.js');
        return new ProofSigner(key, issuer, clock);
      },
    },
  ],
  exports: [PROOF_SIGNER],
})
export class ProofModule {}
