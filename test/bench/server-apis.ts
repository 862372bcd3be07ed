/** A request to a server. */
export interface ApiRequest {
  readonly path: string;
  readonly body: string;
}

/** What a verify request needs besides the code. */
export interface VerifyTarget {
  readonly phoneNumber: string;
  readonly pinId: string;
}

export interface ApiResponse {
  readonly body: Record<string, unknown>;
  readonly headers: Readonly<Record<string, string>>;
}

/** The requests and responses of one kind of server. */
export interface ServerApi {
  /** @param endUserIp the end user's address, for servers that use it */
  send(phoneNumber: string, endUserIp: string | undefined): ApiRequest;
  /** Reads the response to a send; `undefined` if the send failed. */
  targetOf(phoneNumber: string, response: ApiResponse): VerifyTarget | undefined;
  verify(target: VerifyTarget): ApiRequest;
  isVerified(response: ApiResponse): boolean;
}

/** The only code that the upstream accepts. */
export const RIGHT_CODE = '123456';

const jsonRequest = (path: string, body: object): ApiRequest => ({
  path,
  body: JSON.stringify(body),
});
const asString = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;

/** The paths and bodies of this service, which the floor and the tutorial share. */
const otp: ServerApi = {
  send: (number, endUserIp) => jsonRequest('/otp/send', { phoneNumber: number, endUserIp }),
  targetOf: (number, { body }) => {
    const pinId = asString(body['pinId']);
    return pinId === undefined ? undefined : { phoneNumber: number, pinId };
  },
  verify: ({ pinId }) => jsonRequest('/otp/verify', { pinId, otpCode: RIGHT_CODE }),
  isVerified: ({ body }) => body['verified'] === true,
};

/** better-auth generates the codes. The server returns each code in a header. */
const betterAuth: ServerApi = {
  send: (number) => jsonRequest('/api/auth/phone-number/send-otp', { phoneNumber: number }),
  targetOf: (number, { headers }) => {
    const code = asString(headers['x-code']);
    return code === undefined ? undefined : { phoneNumber: number, pinId: code };
  },
  verify: ({ phoneNumber, pinId }) =>
    jsonRequest('/api/auth/phone-number/verify', {
      phoneNumber,
      code: pinId,
      disableSession: true,
    }),
  isVerified: ({ body }) => body['status'] === true,
};

export const SERVER_APIS = { otp, betterAuth } as const;
export type ServerApiName = keyof typeof SERVER_APIS;
