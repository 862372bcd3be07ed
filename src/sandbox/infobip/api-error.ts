/** The statuses that Infobip's 2FA API declares, with its words for them. */
const WORDS = {
  400: ['BAD_REQUEST', 'Bad request'],
  401: ['UNAUTHORIZED', 'Unauthorized'],
  404: ['NOT_FOUND', 'Not found'],
  415: ['BAD_REQUEST', 'Unsupported media type'],
  500: ['GENERAL_ERROR', 'Something went wrong. Please contact support.'],
} as const;

export type ApiStatus = keyof typeof WORDS;

/** An answer in the error shape that the 2FA part of Infobip's API documents. */
export class ApiError extends Error {
  constructor(
    readonly status: ApiStatus,
    /** What is wrong with which field of the request. */
    readonly validationErrors?: Readonly<Record<string, string[]>>,
  ) {
    super(WORDS[status][1]);
  }

  get body(): object {
    const [messageId, text] = WORDS[this.status];
    const { validationErrors } = this;
    return {
      requestError: {
        serviceException: { messageId, text, ...(validationErrors && { validationErrors }) },
      },
    };
  }
}
