/** The message of an error. Node gives only a code if it could connect to none of a host's addresses. */
export const getErrorMessage = ({ message, code }: NodeJS.ErrnoException): string =>
  message || (code ?? 'unknown error');
