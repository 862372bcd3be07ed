import { useEffect, useRef, type RefObject } from 'react';
import type { Otp } from './useOtp';

/** The title of a step without a field. It gets the focus, so that screen readers read it. */
export function Title({ text }: { text: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <h1 id="title" ref={heading} tabIndex={-1}>
      {text}
    </h1>
  );
}

/** A message about a problem. Screen readers read it at once. */
export function Note({ text, id }: { text: string; id?: string }) {
  return (
    <p className="note" id={id} role="alert">
      {text}
    </p>
  );
}

/** Focuses the field when its step appears. After a problem, focuses it and selects its text. */
export function useFieldFocus(problem: Otp['problem']): RefObject<HTMLInputElement | null> {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    if (problem) field.current?.select();
  }, [problem]);
  return field;
}
