import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock } from '../common/clock.js';
import { minutes } from '../common/durations.js';
import type { VerificationClosedReason } from '../common/label-values.js';
import type { PhoneNumber } from '../common/phone-number.js';
import { getRandomBytes } from '../common/random.js';

/** A verification that the page started for a browser. */
export interface DemoVerification {
  readonly pinId: string;
  readonly phoneNumber: PhoneNumber;
  /** Milliseconds since the epoch, by the wall clock. */
  readonly expiresAt: number;
  /** Milliseconds since the epoch, by the wall clock. */
  readonly resendAvailableAt: number;
  /** How many digits the code has; `undefined` if the service does not know. */
  readonly codeLength: number | undefined;
  status: 'pending' | 'verified' | VerificationClosedReason;
}

/** What the page's back end stores for one browser. The browser itself has only the cookie. */
export interface DemoSession {
  /** The number of the last send, even of a failed one. The page's phone shows the messages to it. */
  phoneNumber?: PhoneNumber;
  /** The verification of the last code that was sent. */
  verification?: DemoVerification;
}

const COOKIE = 'demo-session';
const ID_BYTES = 16;

/** How long a session lasts after the browser's last request. */
const LIFETIME_MS = minutes(30);
/** With more sessions than this, the least recently used one ends. */
const MAX_SESSIONS = 1_000;

/**
 * The sessions of the demo page, in memory: a session holds the `pinId`, which no browser may see. A
 * cookie contains the random id of the session. Only ids that were created here are accepted.
 *
 * The cookie is written and read here: `@fastify/cookie` would be one more dependency in production,
 * which has no demo page.
 */
@Injectable()
export class DemoSessions {
  /** The sessions by id, the least recently used first. */
  private readonly sessions = new Map<string, { session: DemoSession; usedAt: number }>();

  constructor(private readonly clock: Clock) {}

  /** Returns the browser's session, if it has one, and prolongs it. */
  find(request: FastifyRequest): DemoSession | undefined {
    this.removeExpired();
    const id = readCookie(request);
    const { session } = this.sessions.get(id) ?? {};
    if (session) this.markUsed(id, session);
    return session;
  }

  /** The session of the browser, or a new one, whose cookie the reply sets. */
  open(request: FastifyRequest, reply: FastifyReply): DemoSession {
    const existing = this.find(request);
    if (existing) return existing;
    const id = getRandomBytes(ID_BYTES).toString('base64url');
    const session: DemoSession = {};
    this.markUsed(id, session);
    const [oldest] = this.sessions.keys();
    if (this.sessions.size > MAX_SESSIONS && oldest !== undefined) this.sessions.delete(oldest);
    void reply.header('set-cookie', createCookie(id, request.protocol === 'https'));
    return session;
  }

  private markUsed(id: string, session: DemoSession): void {
    this.sessions.delete(id);
    this.sessions.set(id, { session, usedAt: this.clock.now() });
  }

  private removeExpired(): void {
    const now = this.clock.now();
    for (const [id, { usedAt }] of this.sessions) {
      if (now - usedAt < LIFETIME_MS) return;
      this.sessions.delete(id);
    }
  }
}

/** Scripts cannot read the cookie, and no page of another site makes a browser send it. */
const createCookie = (id: string, isSecure: boolean): string =>
  [
    `${COOKIE}=${id}`,
    'Path=/demo',
    'HttpOnly',
    'SameSite=Strict',
    ...(isSecure ? ['Secure'] : []),
  ].join('; ');

/** The id in the request's cookie; empty if there is none. */
function readCookie({ headers }: FastifyRequest): string {
  const cookies = (headers.cookie ?? '').split(';').map((cookie) => cookie.trim());
  return cookies.find((cookie) => cookie.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) ?? '';
}
