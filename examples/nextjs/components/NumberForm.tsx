'use client';

import { requestCode } from '../app/actions';
import { Note, Status, useFieldFocus } from './parts';
import { describeProblem, isAboutField } from './texts';
import { useFormAction } from './useFormAction';

export function NumberForm() {
  const { problem, busy, form } = useFormAction(requestCode);
  const isInvalid = problem && isAboutField(problem);
  const field = useFieldFocus(problem);

  return (
    <form {...form}>
      <label htmlFor="number">Phone number</label>
      <input
        id="number"
        name="tel"
        type="tel"
        autoComplete="tel"
        ref={field}
        aria-invalid={isInvalid}
        aria-describedby="number-note number-hint"
      />
      {problem && <Note id="number-note" text={describeProblem(problem)} />}
      {!isInvalid && (
        <p className="hint" id="number-hint">
          With the country code, as in +1 415 555 0123
        </p>
      )}
      <button aria-disabled={busy !== undefined}>{busy ? 'Sending…' : 'Send code'}</button>
      <Status text={busy ? 'Sending…' : ''} />
    </form>
  );
}
