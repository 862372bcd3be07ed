/**
 * Class, message and stack of an error and its causes. Other properties are dropped: libraries put
 * URLs, headers and bodies there, which may hold a number, a code or a key.
 */
export function serializeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: serializeError(error.cause) }),
  };
}
