'use client';

import { Note, Title } from '../components/parts';
import { NO_CONNECTION } from '../components/texts';

/** The server did not answer. The state is in the cookie, so the page can be shown again. */
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
