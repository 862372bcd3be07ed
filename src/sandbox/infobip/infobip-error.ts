/** The statuses that Infobip's API declares, with its words for them now and in its first version. */
const WORDS = {
  400: ['BAD_REQUEST', 'Bad request', 'INVALID_ARGUMENT'],
  401: ['UNAUTHORIZED', 'Unauthorized', 'UNAUTHORIZED'],
  403: ['FORBIDDEN', 'Forbidden', 'FORBIDDEN'],
  404: ['NOT_FOUND', 'Not found', 'RESOURCE_NOT_FOUND'],
  415: ['BAD_REQUEST', 'Unsupported media type', 'INVALID_ARGUMENT'],
  429: ['TOO_MANY_REQUESTS', 'Too many requests', 'THROTTLE_EXCEPTION'],
  500: ['GENERAL_ERROR', 'Something went wrong. Please contact support.', 'GENERAL_EXCEPTION'],
  503: ['SERVICE_UNAVAILABLE', 'Service unavailable', 'SERVICE_UNAVAILABLE'],
} as const;

const ACTIONS: Record<InfobipStatus, string> = {
  400: 'Check the request for the violations.',
  401: 'Check the credentials in the Authorization header.',
  403: 'Use credentials with the scope that this call needs.',
  404: 'Check the identifiers in the request.',
  415: 'Send application/json.',
  429: 'Wait, then try again.',
  500: 'Contact support.',
  503: 'Try again later.',
};

export type InfobipStatus = keyof typeof WORDS;

/**
 * `legacy` is what the 2FA part of the API documents, `v1` the same with the words of its first
 * version, `current` what the rest of the platform answers.
 */
export const ERROR_SHAPES = ['legacy', 'v1', 'current'] as const;
export type ErrorShape = (typeof ERROR_SHAPES)[number];

type FieldErrors = Readonly<Record<string, string[]>>;

interface ErrorResponseOptions {
  /** Seconds after which it is worth another try. */
  readonly retryAfterS?: number | undefined;
  /** Default: the sandbox's setting. */
  readonly shape?: ErrorShape | undefined;
}

/** A refusal, in whichever shape is asked for. */
export class InfobipError extends Error {
  constructor(
    readonly status: InfobipStatus,
    /** What is wrong with which field of the request. */
    readonly validationErrors?: FieldErrors,
    readonly response: ErrorResponseOptions = {},
  ) {
    super(WORDS[status][1]);
  }

  toBody(shape: ErrorShape): object {
    switch (shape) {
      case 'legacy':
        return this.toServiceException(WORDS[this.status][0]);
      case 'v1':
        return this.toServiceException(WORDS[this.status][2]);
      case 'current':
        return {
          errorCode: `E${String(this.status)}`,
          description: this.message,
          action: ACTIONS[this.status],
          violations: Object.entries(this.validationErrors ?? {}).flatMap(([property, found]) =>
            found.map((violation) => ({ property, violation })),
          ),
          resources: [],
        };
    }
  }

  private toServiceException(messageId: string): object {
    const { message: text, validationErrors } = this;
    return {
      requestError: {
        serviceException: { messageId, text, ...(validationErrors && { validationErrors }) },
      },
    };
  }
}
