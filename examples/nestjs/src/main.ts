import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import session from 'express-session';
import { AppModule } from './app.module.js';
import { rejectOtherOrigins } from './same-origin.js';

const { PORT = '3001', HOST = '127.0.0.1', SESSION_SECRET, NODE_ENV } = process.env;
const isProduction = NODE_ENV === 'production';
if (isProduction && !SESSION_SECRET) throw new Error('Set SESSION_SECRET.');

const app = await NestFactory.create<NestExpressApplication>(AppModule, {
  logger: ['warn', 'error'],
});
app.disable('x-powered-by');
// Behind a reverse proxy, also set 'trust proxy', so that req.ip is the user's address: limits use it.
app.use(
  session({
    name: 'session',
    secret: SESSION_SECRET ?? randomBytes(32).toString('base64'),
    // The memory store is for one process. In production use a store of express-session's list.
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'strict', secure: isProduction, maxAge: 30 * 60_000 },
  }),
);
app.use(rejectOtherOrigins);
app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true }));
app.enableShutdownHooks();
await app.listen(PORT, HOST);
console.log(`Listening on http://${HOST}:${PORT}`);
