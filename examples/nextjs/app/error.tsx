'use client';

import { Note, Title } from '../components/parts';
import { NO_CONNECTION } from '../components/texts';

/** Shown if the server did not answer. The state is in the cookie, so the page can be loaded again. */
export default function ErrorPage({ reset }: { reset: () => void }) {
  return (
    <>
      <Title text="Verify your number" />
      <Note text={NO_CONNECTION} />
      <button type="button" onClick={reset}>
        Try again
      </button>
    </>
  );
}
