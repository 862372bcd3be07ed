import { useEffect } from 'react';

/**
 * WebOTP: reads the code of an SMS whose last line names this site, as in `@example.com #123456`. Only some
 * browsers on phones have it; elsewhere, `autocomplete="one-time-code"` lets the keyboard offer the code.
 */
export function useWebOtp(onCode: (code: string) => void): void {
  useEffect(() => {
    if (!('OTPCredential' in window)) return undefined;
    const reading = new AbortController();
    const request = { otp: { transport: ['sms'] }, signal: reading.signal };
    navigator.credentials
      .get(request as CredentialRequestOptions)
      .then((credential) => {
        if (credential && 'code' in credential) onCode(String(credential.code));
      })
      // The user declined, or the component was unmounted.
      .catch(() => undefined);
    return () => reading.abort();
  }, [onCode]);
}
