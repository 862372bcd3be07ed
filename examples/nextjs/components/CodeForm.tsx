'use client';

import { useCallback, useEffect, useRef } from 'react';
import { submitCode } from '../app/actions';
import type { OtpState } from '../lib/otp-state';
import { Note, Status, useFieldFocus } from './parts';
import { ResendButton } from './ResendButton';
import { describeProblem, formatSeconds, isAboutField } from './texts';
import { useFormAction } from './useFormAction';
import { useWebOtp } from './useWebOtp';

export function CodeForm({ state }: { state: Extract<OtpState, { step: 'code' }> }) {
  const { problem, busy, isResent, submit, form } = useFormAction(submitCode);
  const field = useFieldFocus(problem?.action === 'verify' ? problem : undefined);
  useCodeFromSms(submit);

  return (
    <>
      <h1 id="title">Enter the code</h1>
      <p className="lead" id="lead">
        Sent to <strong>{state.to}</strong>, valid for {formatSeconds(state.validForSeconds)}.
      </p>
      <form {...form}>
        <label htmlFor="code">Code</label>
        <input
          id="code"
          name="code"
          inputMode="numeric"
          autoComplete="one-time-code"
          ref={field}
          aria-invalid={problem && isAboutField(problem)}
          aria-describedby="code-note lead"
        />
        {problem && <Note id="code-note" text={describeProblem(problem)} />}
        {isResent && <p className="note good">Sent again. Look at your phone.</p>}
        <button name="action" value="verify" aria-disabled={busy !== undefined}>
          {busy === 'verify' ? 'Checking…' : 'Verify'}
        </button>
        <ResendButton busy={busy} state={state} label="Send again" className="quiet" />
        <Status
          text={busy === 'verify' ? 'Checking…' : busy ? 'Sending…' : isResent ? 'Sent again.' : ''}
        />
      </form>
    </>
  );
}

/** Verifies the code of an SMS without a click, where the browser can read it. */
function useCodeFromSms(submit: (form: FormData) => void): void {
  const latest = useRef(submit);
  useEffect(() => {
    latest.current = submit;
  });
  const verify = useCallback((code: string) => {
    const form = new FormData();
    form.set('action', 'verify');
    form.set('code', code);
    latest.current(form);
  }, []);
  useWebOtp(verify);
}
