import { CodeStep } from './CodeStep';
import { NumberStep } from './NumberStep';
import { OverStep } from './OverStep';
import { Note, Title } from './parts';
import { describeProblem } from './texts';
import { useOtp, type Otp } from './useOtp';

/** Verifies a phone number. Shows the step that the session on the server has reached. */
export function OtpForm() {
  const otp = useOtp();
  const { busy, isResent } = otp;

  return (
    <section className="card" aria-labelledby="title">
      <Step otp={otp} />
      {/* For screen readers: what the page is doing. */}
      <p className="visually-hidden" role="status">
        {busy === 'verify' ? 'Checking…' : busy ? 'Sending…' : isResent ? 'Sent again.' : ''}
      </p>
    </section>
  );
}

function Step({ otp }: { otp: Otp }) {
  const { state, isBack } = otp;
  if (!state) return <Loading otp={otp} />;
  if (state.step === 'verified') return <Verified otp={otp} to={state.to} />;
  if (state.step === 'number' || isBack) return <NumberStep otp={otp} />;
  return state.step === 'code' ? (
    <CodeStep otp={otp} state={state} />
  ) : (
    <OverStep otp={otp} state={state} />
  );
}

/** Shown until the server has answered for the first time, or with a note if it does not answer. */
function Loading({ otp: { problem, load } }: { otp: Otp }) {
  return (
    <>
      <Title text="Verify your number" />
      {problem && (
        <>
          <Note text={describeProblem(problem)} />
          <button type="button" onClick={load}>
            Try again
          </button>
        </>
      )}
    </>
  );
}

function Verified({ otp, to }: { otp: Otp; to: string }) {
  return (
    <>
      <div className="tick" aria-hidden="true" />
      <Title text="Verified" />
      <p className="lead">
        The number <strong>{to}</strong> is yours.
      </p>
      <button type="button" className="soft" onClick={otp.restart}>
        Verify another number
      </button>
    </>
  );
}
