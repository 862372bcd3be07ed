'use server';

import { cookies, headers } from 'next/headers';
import { redirect, RedirectType } from 'next/navigation';
import { runOtpAction, type OtpInput } from '../lib/otp-actions';
import type { OtpAction, OtpAnswer, OtpProblem } from '../lib/otp-state';
import { cookieOptions, openSession, sealSession, SESSION_COOKIE } from '../lib/session';

/** What a form shows after its action, unless another page follows. */
export interface FormState {
  problem?: OtpProblem;
  isResent?: boolean;
}

export async function requestCode(_: FormState, form: FormData): Promise<FormState> {
  const { problem } = await run('request', { phoneNumber: form.get('tel') });
  if (problem) return { problem };
  redirect('/code');
}

/**
 * Verifies the code or sends it again, by the button that was pressed. If the code can no longer be used,
 * `CodePage` shows that.
 */
export async function submitCode(_: FormState, form: FormData): Promise<FormState> {
  if (form.get('action') === 'resend') {
    const { problem } = await run('resend');
    return { problem, isResent: !problem };
  }
  const { problem, state } = await run('verify', { code: form.get('code') });
  if (state.step === 'verified') redirect('/verified', RedirectType.replace);
  return { problem };
}

export async function restart(): Promise<void> {
  await run('restart');
  redirect('/');
}

/** Needs no check of the origin, because Next has made one: see lib/same-origin.ts. */
async function run(action: OtpAction, input: OtpInput = {}): Promise<OtpAnswer> {
  const [store, requestHeaders] = await Promise.all([cookies(), headers()]);
  const session = await openSession(store.get(SESSION_COOKIE)?.value);
  const answer = await runOtpAction(session, action, input, requestHeaders);
  store.set(SESSION_COOKIE, await sealSession(session), cookieOptions(requestHeaders));
  return answer;
}
