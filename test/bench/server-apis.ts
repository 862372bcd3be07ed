/** A request to a server. */
export interface ApiRequest {
  readonly path: string;
  readonly body: string;
}

export interface ApiResponse {
  readonly body: Record<string, unknown>;
  readonly headers: Readonly<Record<string, string>>;
}

/** The requests and responses of one kind of server. */
export interface ServerApi {
  /** @param endUserIp the end user's address, for servers that use it */
  createSend(phoneNumber: string, endUserIp: string | undefined): ApiRequest;
  /** Creates the verify request from the response to a send; `undefined` if the send failed. */
  createVerify(phoneNumber: string, sent: ApiResponse): ApiRequest | undefined;
  isVerified(response: ApiResponse): boolean;
}

/** The only code that the simulated provider, upstream.ts, accepts. */
export const RIGHT_CODE = '123456';

const jsonRequest = (path: string, body: object): ApiRequest => ({
  path,
  body: JSON.stringify(body),
});
const asString = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;

/** The API of this service, which servers/floor.ts and servers/tutorial.mjs have too. */
const otp: ServerApi = {
  createSend: (number, endUserIp) => jsonRequest('/otp/send', { phoneNumber: number, endUserIp }),
  createVerify: (_number, { body }) => {
    const pinId = asString(body['pinId']);
    if (pinId === undefined) return undefined;
    return jsonRequest('/otp/verify', { pinId, otpCode: RIGHT_CODE });
  },
  isVerified: ({ body }) => body['verified'] === true,
};

/** better-auth generates the codes. The server returns each code in a header. */
const betterAuth: ServerApi = {
  createSend: (number) => jsonRequest('/api/auth/phone-number/send-otp', { phoneNumber: number }),
  createVerify: (number, { headers }) => {
    const code = asString(headers['x-code']);
    if (code === undefined) return undefined;
    const body = { phoneNumber: number, code, disableSession: true };
    return jsonRequest('/api/auth/phone-number/verify', body);
  },
  isVerified: ({ body }) => body['status'] === true,
};

export const SERVER_APIS = { otp, betterAuth } as const;
export type ServerApiName = keyof typeof SERVER_APIS;
