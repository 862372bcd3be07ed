import { Module } from '@nestjs/common';
import { DestinationsModule } from '../destinations/destinations.module.js';
import { ProofModule } from '../proof/proof.module.js';
import { ProvidersModule } from '../providers/providers.module.js';
import { StorageModule } from '../storage/storage.module.js';
import { AttemptProofs } from './attempt-proofs.js';
import { VerificationEvents } from './verification-events.js';
import { NumbersController } from './numbers.controller.js';
import { ProofKeysController } from './proof-keys.controller.js';
import { OtpController } from './otp.controller.js';
import { OtpService } from './otp.service.js';
import { CodeVerificationService } from './code-verification.service.js';
import { LostAnswerFinder } from './lost-answer-finder.js';
import { MessageSender } from './message-sender.js';
import { PendingVerifications } from './pending-verifications.js';
import { SubmittedCodeChecker } from './submitted-code-checker.js';

@Module({
  imports: [DestinationsModule, ProofModule, ProvidersModule, StorageModule],
  controllers: [OtpController, NumbersController, ProofKeysController],
  providers: [
    OtpService,
    CodeVerificationService,
    AttemptProofs,
    LostAnswerFinder,
    MessageSender,
    SubmittedCodeChecker,
    VerificationEvents,
    PendingVerifications,
  ],
  exports: [OtpService, CodeVerificationService],
})
export class OtpModule {}
