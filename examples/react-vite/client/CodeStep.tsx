import type { OtpState } from '../server/otp-state';
import { Note, useFieldFocus } from './parts';
import { ResendButton } from './ResendButton';
import { describeProblem, formatTime, isAboutField } from './texts';
import type { Otp } from './useOtp';
import { useWebOtp } from './useWebOtp';

interface Props {
  otp: Otp;
  state: Extract<OtpState, { step: 'code' }>;
}

export function CodeStep({ otp, state }: Props) {
  const { busy, isResent, verifyCode, goBack } = otp;
  const problem = otp.problem?.action === 'request' ? undefined : otp.problem;
  const field = useFieldFocus(problem?.action === 'verify' ? problem : undefined);
  useWebOtp(verifyCode);

  return (
    <>
      <h1 id="title">Enter the code</h1>
      <p className="lead" id="lead">
        Sent to <strong>{state.to}</strong>, valid until {formatTime(state.validForSeconds)}.
      </p>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          verifyCode(field.current?.value ?? '');
        }}
      >
        <label htmlFor="code">Code</label>
        <input
          id="code"
          inputMode="numeric"
          autoComplete="one-time-code"
          ref={field}
          aria-invalid={problem && isAboutField(problem)}
          aria-describedby="code-note lead"
        />
        {problem && <Note id="code-note" text={describeProblem(problem)} />}
        {isResent && <p className="note good">Sent again. Look at your phone.</p>}
        <button aria-disabled={busy !== undefined}>
          {busy === 'verify' ? 'Checking…' : 'Verify'}
        </button>
      </form>
      <ResendButton otp={otp} state={state} label="Send again" className="quiet" />
      <button type="button" className="quiet" onClick={goBack}>
        Change the number
      </button>
    </>
  );
}
