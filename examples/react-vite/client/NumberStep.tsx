import { Note, useFieldFocus } from './parts';
import { describeProblem, isAboutField } from './texts';
import type { Otp } from './useOtp';

export function NumberStep({ otp }: { otp: Otp }) {
  const { state, busy, requestCode, goToCode, clearProblem } = otp;
  // If the session ends before the code is entered, this step appears again and has to say why.
  const isShownHere = otp.problem?.action === 'request' || otp.problem?.code === 'no_session';
  const problem = isShownHere ? otp.problem : undefined;
  const isInvalid = problem && isAboutField(problem);
  const field = useFieldFocus(problem);

  return (
    <>
      <h1 id="title">Verify your number</h1>
      <p className="lead">We send you a code by SMS.</p>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          requestCode(field.current?.value ?? '');
        }}
      >
        <label htmlFor="number">Phone number</label>
        <input
          id="number"
          name="tel"
          type="tel"
          autoComplete="tel"
          ref={field}
          onChange={clearProblem}
          aria-invalid={isInvalid}
          aria-describedby="number-note number-hint"
        />
        {problem && <Note id="number-note" text={describeProblem(problem)} />}
        {!isInvalid && (
          <p className="hint" id="number-hint">
            With the country code, as in +1 415 555 0123
          </p>
        )}
        <button aria-disabled={busy !== undefined}>
          {busy === 'request' ? 'Sending…' : 'Send code'}
        </button>
      </form>
      {state?.step === 'code' && (
        <button type="button" className="quiet" onClick={goToCode}>
          Enter the code for {state.to}
        </button>
      )}
    </>
  );
}
