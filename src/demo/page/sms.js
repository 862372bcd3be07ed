import { keepDigits } from './digits.js';

let reading = new AbortController();

export const stopReadingSms = () => reading.abort();

/** WebOTP, if the browser supports it: reads the code of an SMS that names this site. */
export async function readCodeFromSms(submit) {
  stopReadingSms();
  if (!('OTPCredential' in window)) return;
  reading = new AbortController();
  const { signal } = reading;
  const sms = await navigator.credentials
    .get({ otp: { transport: ['sms'] }, signal })
    .catch(() => undefined);
  if (sms && !signal.aborted) submit(keepDigits(sms.code));
}
