import { getErrorMessage } from '../../common/error-message.js';

/** What to do about an error whose code and message match. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    // Node's codes, and the driver's message if connecting takes longer than its limit.
    /^(EADDRNOTAVAIL|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|ETIMEDOUT) |timeout expired/,
    'Check the host and the port in the URL, and whether PostgreSQL runs.',
  ],
  [/^28P01 |client password must be a string/, 'Check the user and the password in the URL.'],
  [
    /^28000 /,
    'Check the user in the URL, and the rules in pg_hba.conf. If they require TLS, add ?sslmode=verify-full.',
  ],
  [/^3D000 /, 'Create the database, or correct its name in the URL.'],
  [/^42501 /, 'Its user must own the tables of the service, and be allowed to create tables.'],
  [
    /^53300 /,
    'Raise the limit of connections, or end other programs. A replica needs up to 20 connections.',
  ],
  [
    /^57014 /,
    'A statement was cancelled or took too long. End what blocks it (see pg_stat_activity), and start again.',
  ],
  [/^25006 |the server is read-only/, 'The URL must lead to a primary that accepts writes.'],
  [/does not support SSL/, 'Turn on TLS in PostgreSQL, or remove sslmode from the URL.'],
  [
    /^CERT_HAS_EXPIRED /,
    'Renew the certificate of PostgreSQL, or of the authority that signed it.',
  ],
  [
    /^CERT_NOT_YET_VALID /,
    'Check the clocks of this machine and of the one that made the certificate.',
  ],
  [
    /^\S*(CERT|LEAF_SIGNATURE)/,
    'Name the authority of its certificate in sslrootcert, and the host as in the certificate.',
  ],
  [
    /unsupported startup parameter/,
    "Remove it from the URL, or add it to the pooler's ignore_startup_parameters.",
  ],
  // SQLite's messages.
  [/disk I\/O error|disk is full/, 'Check that the disk has free space and works.'],
  [/statement pooling mode/, 'The pooler must have pool_mode=session or pool_mode=transaction.'],
];

/**
 * Returns an error for the operator that names the database and, for common errors, what to do.
 * @param setting the setting that names the database
 */
export function explainStartError(setting: string, error: unknown): Error {
  const { code = '' } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
  const reason = getErrorMessage(error as NodeJS.ErrnoException).replace(/\.$/, '');
  const remedy = REMEDIES.find(([pattern]) => pattern.test(`${code} ${reason}`))?.[1];
  const sentence = `The database of ${setting} cannot be used: ${reason}.`;
  return new Error(remedy === undefined ? sentence : `${sentence} ${remedy}`, { cause: error });
}
