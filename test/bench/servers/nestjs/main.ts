/*
 * The service that the tutorials of NestJS lead to: the Express adapter, `HttpService` as it is,
 * the throttler and class-validator. Without DATABASE_URL it stores nothing durably.
 */
import 'reflect-metadata';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule.with(process.env['DATABASE_URL']), {
  logger: ['error', 'warn'],
});
app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true }));
await app.listen(Number(process.env['PORT']), '127.0.0.1');
