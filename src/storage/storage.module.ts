import { Module } from '@nestjs/common';
import { MemoryVerificationStore } from './memory-verification-store.js';
import { VerificationStore } from './verification-store.js';

@Module({
  providers: [{ provide: VerificationStore, useClass: MemoryVerificationStore }],
  exports: [VerificationStore],
})
export class StorageModule {}
