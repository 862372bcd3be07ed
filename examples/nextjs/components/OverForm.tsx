'use client';

import { submitCode } from '../app/actions';
import type { OtpState } from '../lib/otp-state';
import { Note, Status, Title } from './parts';
import { ResendButton } from './ResendButton';
import { describeProblem, OVER } from './texts';
import { useFormAction } from './useFormAction';

/** Shown when the code can no longer be used. Offers to send a new one. */
export function OverForm({ state }: { state: Extract<OtpState, { step: 'over' }> }) {
  const { problem, busy, form } = useFormAction(submitCode);

  return (
    <>
      <Title text={OVER[state.reason]} />
      <p className="lead">
        Send a new one to <strong>{state.to}</strong>.
      </p>
      <form {...form}>
        <ResendButton busy={busy} state={state} label="Send a new code" />
        {problem && <Note text={describeProblem(problem)} />}
        <Status text={busy ? 'Sending…' : ''} />
      </form>
    </>
  );
}
