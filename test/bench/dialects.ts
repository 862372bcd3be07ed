/** A request of the load. */
export interface Ask {
  readonly path: string;
  readonly body: string;
}

/** What a subject has to be brought with a code. */
export interface Handle {
  readonly phoneNumber: string;
  readonly pinId: string;
}

export interface Heard {
  readonly body: Record<string, unknown>;
  readonly headers: Readonly<Record<string, string>>;
}

/** How one kind of subject is spoken to. */
export interface Dialect {
  /** @param endUserIp the address of the user for whom it is, where the subject wants to know. */
  send(phoneNumber: string, endUserIp: string | undefined): Ask;
  /** What verify needs of the answer to a send; `undefined` if no send came about. */
  handleOf(phoneNumber: string, heard: Heard): Handle | undefined;
  verify(handle: Handle): Ask;
  verified(heard: Heard): boolean;
}

/** The upstream takes this code and no other. */
export const RIGHT_CODE = '123456';

const ask = (path: string, body: object): Ask => ({ path, body: JSON.stringify(body) });
const text = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;

/** This service's own paths and bodies, which the floor and the tutorial have too. */
const otp: Dialect = {
  send: (number, endUserIp) => ask('/otp/send', { phoneNumber: number, endUserIp }),
  handleOf: (number, { body }) => {
    const pinId = text(body['pinId']);
    return pinId === undefined ? undefined : { phoneNumber: number, pinId };
  },
  verify: ({ pinId }) => ask('/otp/verify', { pinId, otpCode: RIGHT_CODE }),
  verified: ({ body }) => body['verified'] === true,
};

/** It makes its codes itself, so the subject says each in a header. */
const betterAuth: Dialect = {
  send: (number) => ask('/api/auth/phone-number/send-otp', { phoneNumber: number }),
  handleOf: (number, { headers }) => {
    const code = text(headers['x-code']);
    return code === undefined ? undefined : { phoneNumber: number, pinId: code };
  },
  verify: ({ phoneNumber, pinId }) =>
    ask('/api/auth/phone-number/verify', { phoneNumber, code: pinId, disableSession: true }),
  verified: ({ body }) => body['status'] === true,
};

export const DIALECTS = { otp, betterAuth } as const;
export type DialectName = keyof typeof DIALECTS;
