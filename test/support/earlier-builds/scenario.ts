/** The requests for one phone number to an earlier build, and what that build stored and answered. */
export interface StoredFlow {
  readonly phoneNumber: string;
  readonly pinId: string;
  /** The requests with an idempotency key, in their order. */
  readonly requests: readonly StoredRequest[];
  /** The provider's id of the PIN; absent for a test number. */
  readonly providerPinId?: string;
  /** The right code. */
  readonly code: string;
}

export interface StoredRequest {
  readonly path: string;
  /** The idempotency key. */
  readonly key: string;
  readonly body: object;
  readonly status: number;
  readonly answer: object;
}

export type FlowName = (typeof FLOWS)[number]['name'];

/** `lost resend`: the provider never answers the resend. */
export type Step = 'send' | 'resend' | 'right code' | 'wrong code' | 'cancel' | 'lost resend';

const TEST_NUMBER = '+15550001111';
export const TEST_CODE = '123456';

/** The flows by which a build fills a database. Each has a phone number of its own. */
export const FLOWS = [
  { name: 'pending', phoneNumber: '+14155550201', steps: ['send'] },
  { name: 'tried', phoneNumber: '+14155550202', steps: ['send', 'wrong code'] },
  { name: 'resent', phoneNumber: '+14155550203', steps: ['send', 'resend'] },
  { name: 'lost', phoneNumber: '+14155550204', steps: ['send', 'lost resend'] },
  { name: 'verified', phoneNumber: '+14155550205', steps: ['send', 'right code'] },
  { name: 'cancelled', phoneNumber: '+14155550206', steps: ['send', 'cancel'] },
  {
    name: 'exhausted',
    phoneNumber: '+14155550207',
    steps: ['send', ...Array<Step>(5).fill('wrong code')],
  },
  // A magic number of the sandbox: each code that it gets is expired at once.
  { name: 'ended', phoneNumber: '+12255550108', steps: ['send', 'wrong code'] },
  { name: 'test', phoneNumber: TEST_NUMBER, steps: ['send', 'wrong code'] },
] as const satisfies readonly { name: string; phoneNumber: string; steps: readonly Step[] }[];

/** Settings of the build that fills a database, and of the build that reads it. */
export const FIXTURE_SETTINGS = {
  NODE_ENV: 'test',
  OTP_SECRET: 'the secret of the databases of earlier builds',
  TEST_NUMBERS: `${TEST_NUMBER}:${TEST_CODE}`,
  PROVIDER_TIMEOUT: '1s',
};
