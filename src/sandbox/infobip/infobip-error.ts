/** Infobip's documented statuses, with the words of its current and its first version. */
const ERROR_WORDS = {
  400: { messageId: 'BAD_REQUEST', v1MessageId: 'INVALID_ARGUMENT', text: 'Bad request' },
  401: { messageId: 'UNAUTHORIZED', v1MessageId: 'UNAUTHORIZED', text: 'Unauthorized' },
  403: { messageId: 'FORBIDDEN', v1MessageId: 'FORBIDDEN', text: 'Forbidden' },
  404: { messageId: 'NOT_FOUND', v1MessageId: 'RESOURCE_NOT_FOUND', text: 'Not found' },
  415: {
    messageId: 'BAD_REQUEST',
    v1MessageId: 'INVALID_ARGUMENT',
    text: 'Unsupported media type',
  },
  429: {
    messageId: 'TOO_MANY_REQUESTS',
    v1MessageId: 'THROTTLE_EXCEPTION',
    text: 'Too many requests',
  },
  500: {
    messageId: 'GENERAL_ERROR',
    v1MessageId: 'GENERAL_EXCEPTION',
    text: 'Something went wrong. Please contact support.',
  },
  503: {
    messageId: 'SERVICE_UNAVAILABLE',
    v1MessageId: 'SERVICE_UNAVAILABLE',
    text: 'Service unavailable',
  },
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

export type InfobipStatus = keyof typeof ERROR_WORDS;

/**
 * `legacy`: the shape that Infobip documents for its 2FA API.
 * `v1`: the same shape with the words of the API's first version.
 * `current`: the shape that Infobip's other APIs return.
 */
export const ERROR_SHAPES = ['legacy', 'v1', 'current'] as const;
export type ErrorShape = (typeof ERROR_SHAPES)[number];

/** Error messages by the name of the request field. */
type FieldErrors = Readonly<Record<string, string[]>>;

interface ErrorResponseOptions {
  /** The `Retry-After` header, in seconds. Default: none. */
  readonly retryAfterS?: number | undefined;
  /** Default: the sandbox's setting. */
  readonly shape?: ErrorShape | undefined;
}

/** An error response of Infobip's API. */
export class InfobipError extends Error {
  constructor(
    readonly status: InfobipStatus,
    readonly fieldErrors?: FieldErrors,
    readonly response: ErrorResponseOptions = {},
  ) {
    super(ERROR_WORDS[status].text);
  }

  toBody(shape: ErrorShape): object {
    const { messageId, v1MessageId } = ERROR_WORDS[this.status];
    switch (shape) {
      case 'legacy':
        return this.toServiceException(messageId);
      case 'v1':
        return this.toServiceException(v1MessageId);
      case 'current':
        return {
          errorCode: `E${String(this.status)}`,
          description: this.message,
          action: ACTIONS[this.status],
          violations: Object.entries(this.fieldErrors ?? {}).flatMap(([property, messages]) =>
            messages.map((violation) => ({ property, violation })),
          ),
          resources: [],
        };
    }
  }

  private toServiceException(messageId: string): object {
    const { message: text, fieldErrors: validationErrors } = this;
    return {
      requestError: {
        serviceException: { messageId, text, ...(validationErrors && { validationErrors }) },
      },
    };
  }
}
