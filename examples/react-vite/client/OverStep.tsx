import type { OtpState } from '../server/otp-state';
import { Note, Title } from './parts';
import { ResendButton } from './ResendButton';
import { describeProblem, OVER } from './texts';
import type { Otp } from './useOtp';

interface Props {
  otp: Otp;
  state: Extract<OtpState, { step: 'over' }>;
}

/** Shown when the code can no longer be used. Offers to send a new one. */
export function OverStep({ otp, state }: Props) {
  const problem = otp.problem?.action === 'resend' ? otp.problem : undefined;

  return (
    <>
      <Title text={OVER[state.reason]} />
      <p className="lead">
        Send a new one to <strong>{state.to}</strong>.
      </p>
      <ResendButton otp={otp} state={state} label="Send a new code" />
      {problem && <Note text={describeProblem(problem)} />}
      <button type="button" className="quiet" onClick={otp.goBack}>
        Change the number
      </button>
    </>
  );
}
