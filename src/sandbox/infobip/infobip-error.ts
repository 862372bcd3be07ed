/** By HTTP status: the error code, the code in the API's first version, and the text. */
const ERRORS_BY_STATUS = {
  400: { code: 'BAD_REQUEST', v1Code: 'INVALID_ARGUMENT', text: 'Bad request' },
  401: { code: 'UNAUTHORIZED', v1Code: 'UNAUTHORIZED', text: 'Unauthorized' },
  403: { code: 'FORBIDDEN', v1Code: 'FORBIDDEN', text: 'Forbidden' },
  404: { code: 'NOT_FOUND', v1Code: 'RESOURCE_NOT_FOUND', text: 'Not found' },
  415: {
    code: 'BAD_REQUEST',
    v1Code: 'INVALID_ARGUMENT',
    text: 'Unsupported media type',
  },
  429: {
    code: 'TOO_MANY_REQUESTS',
    v1Code: 'THROTTLE_EXCEPTION',
    text: 'Too many requests',
  },
  500: {
    code: 'GENERAL_ERROR',
    v1Code: 'GENERAL_EXCEPTION',
    text: 'Something went wrong. Please contact support.',
  },
  503: {
    code: 'SERVICE_UNAVAILABLE',
    v1Code: 'SERVICE_UNAVAILABLE',
    text: 'Service unavailable',
  },
} as const;

/** The field `action` of an error in the shape `current` of {@link ERROR_SHAPES}. */
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

export type InfobipStatus = keyof typeof ERRORS_BY_STATUS;

/**
 * The shapes of the JSON body of an error response.
 * `legacy`: the shape that Infobip documents for its 2FA API.
 * `v1`: the same shape with the codes of the API's first version.
 * `current`: the shape that Infobip's other APIs return.
 */
export const ERROR_SHAPES = ['legacy', 'v1', 'current'] as const;
export type InfobipErrorShape = (typeof ERROR_SHAPES)[number];

/** Error messages by the name of the request field. */
type InfobipFieldErrors = Readonly<Record<string, string[]>>;

/** How the error handler creates the response. */
interface ErrorResponseOptions {
  /** The `Retry-After` header, in seconds. Default: none. */
  readonly retryAfterS?: number | undefined;
  /** The error handler passes it to `toBody`. Default: the sandbox's setting `errorShape`. */
  readonly shape?: InfobipErrorShape | undefined;
}

/** An error response of Infobip's API. */
export class InfobipError extends Error {
  constructor(
    readonly status: InfobipStatus,
    readonly fieldErrors?: InfobipFieldErrors,
    readonly responseOptions: ErrorResponseOptions = {},
  ) {
    super(ERRORS_BY_STATUS[status].text);
  }

  toBody(shape: InfobipErrorShape): object {
    const { code, v1Code } = ERRORS_BY_STATUS[this.status];
    switch (shape) {
      case 'legacy':
        return this.toServiceException(code);
      case 'v1':
        return this.toServiceException(v1Code);
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

  private toServiceException(code: string): object {
    const { message: text, fieldErrors: validationErrors } = this;
    return {
      requestError: {
        serviceException: { messageId: code, text, ...(validationErrors && { validationErrors }) },
      },
    };
  }
}
