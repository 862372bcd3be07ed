'use client';

import { useEffect, useRef, type RefObject } from 'react';
import type { OtpProblem } from '../lib/otp-state';

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

/** For screen readers: what the page is doing. */
export function Status({ text }: { text: string }) {
  return (
    <p className="visually-hidden" role="status">
      {text}
    </p>
  );
}

/** Focuses the field when its step appears. After a problem, focuses it and selects its text. */
export function useFieldFocus(problem: OtpProblem | undefined): RefObject<HTMLInputElement | null> {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    if (problem) field.current?.select();
  }, [problem]);
  return field;
}
