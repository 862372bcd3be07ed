import type { Session } from 'express-session';

/** What this application keeps in a session, on the server. */
export interface UserSession extends Session {
  user?: { name: string; phoneNumber: string };
  /** The step-up that waits for its code. The browser never gets the `pinId`. */
  stepUp?: { pinId: string; reference: string };
  /** When the user last proved in this session to have the phone, in milliseconds since the epoch. */
  verifiedAt?: number;
}
