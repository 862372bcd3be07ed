/**
 * What of an error is logged: its class, message and stack, and those of its causes. The properties
 * that libraries hang on errors (a request's URL, headers, body) may hold a number, a code or a key.
 */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
