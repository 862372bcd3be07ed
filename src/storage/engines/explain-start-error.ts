import { getErrorMessage } from '../../common/error-message.js';

/** Codes of Node's errors if no connection can be opened. */
const UNREACHABLE = new Set([
  'EADDRNOTAVAIL',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'ETIMEDOUT',
]);
/** The driver's message, without a code, if connecting takes longer than its limit. */
const CONNECT_TIMEOUT = 'timeout expired';

/**
 * Throws an error of the start again. If the connection or a pooler caused it, the message says what
 * to do.
 */
export function explainStartError(error: unknown): never {
  const { message, code = '' } = error as NodeJS.ErrnoException;
  if (message === '' || UNREACHABLE.has(code) || message === CONNECT_TIMEOUT) {
    throw new Error(
      `The database of DATABASE_URL cannot be reached: ${getErrorMessage(error as Error)}. ` +
        'Check the host and the port in the URL, and whether PostgreSQL runs.',
      { cause: error },
    );
  }
  if (message.startsWith('unsupported startup parameter')) {
    throw new Error(
      `The pooler of DATABASE_URL does not accept a parameter in it (${message}). ` +
        `Remove it from the URL, or add it to the pooler's ignore_startup_parameters.`,
    );
  }
  if (message.includes('statement pooling mode')) {
    throw new Error(
      `The pooler of DATABASE_URL must have pool_mode=session or pool_mode=transaction (${message}).`,
    );
  }
  throw error;
}
