/** `CLIENTS_FILE` cannot be used. The message contains no API key and no phone number. */
export class ClientsFileError extends Error {
  override readonly name = 'ClientsFileError';

  /** @param errors a sentence for each error in the file */
  constructor(readonly errors: readonly string[]) {
    super(['The file CLIENTS_FILE cannot be used:', ...errors].join('\n  - '));
  }
}
