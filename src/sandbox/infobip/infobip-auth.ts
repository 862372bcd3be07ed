import { InfobipError } from './infobip-error.js';

/** The four authorization schemes of Infobip's API. */
const AUTHORIZATION_PATTERN = /^(App|Basic|IBSSO|Bearer) +(\S+)$/i;

type InfobipScope = '2fa:manage' | '2fa:pin:send' | 'subscriptions:manage';

/**
 * Checks the `Authorization` header. With the scheme Basic, the password is the key.
 * Without `apiKey`, every key is valid. A key that starts with `noscope` has no scope. A key that starts
 * with `pinscope` has only the scope `2fa:pin:send`. Both are valid even if `apiKey` is set.
 * @throws InfobipError 401 for an invalid key, 403 for a missing scope.
 */
export function authenticateInfobip(
  authorization: string | undefined,
  scope: InfobipScope,
  apiKey?: string,
): void {
  const [, scheme, credential] = AUTHORIZATION_PATTERN.exec(authorization ?? '') ?? [];
  const key = scheme?.toLowerCase() === 'basic' ? parsePassword(credential) : credential;
  if (!key) throw new InfobipError(401);
  if (key.startsWith('noscope')) throw new InfobipError(403);
  if (key.startsWith('pinscope') && scope !== '2fa:pin:send') throw new InfobipError(403);
  if (apiKey && !/^(no|pin)scope/.test(key) && key !== apiKey) throw new InfobipError(401);
}

function parsePassword(credential = ''): string | undefined {
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(credential, 'base64').toString()) ?? [];
  return password;
}
