import { InfobipError } from './infobip-error.js';

/** The four forms that Infobip takes. */
const CREDENTIALS = /^(App|Basic|IBSSO|Bearer) +(\S+)$/i;

/**
 * Judges an `Authorization` header. Any credential is good, or only the key that was fixed (the
 * password, where the form is Basic). A key that begins with `noscope` may do nothing, one that
 * begins with `pinscope` only what the scope `2fa:pin:send` allows.
 * @throws ApiError 401 or 403
 */
export function authenticateInfobip(
  authorization: string | undefined,
  scope: '2fa:manage' | '2fa:pin:send',
  apiKey?: string,
): void {
  const [, form, credential] = CREDENTIALS.exec(authorization ?? '') ?? [];
  const key = form?.toLowerCase() === 'basic' ? parsePassword(credential) : credential;
  if (!key) throw new InfobipError(401);
  if (key.startsWith('noscope')) throw new InfobipError(403);
  if (key.startsWith('pinscope') && scope === '2fa:manage') throw new InfobipError(403);
  if (apiKey && !/^(no|pin)scope/.test(key) && key !== apiKey) throw new InfobipError(401);
}

function parsePassword(credential = ''): string | undefined {
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(credential, 'base64').toString()) ?? [];
  return password;
}
