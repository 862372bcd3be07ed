import { useEffect, useState } from 'react';

/** Counts down to 0. Starts again when `source` is another object, such as the server's new state. */
export function useCountdown(seconds: number, source: unknown): number {
  const [secondsLeft, setSecondsLeft] = useState(seconds);

  useEffect(() => {
    const endsAt = Date.now() + seconds * 1_000;
    const update = () => setSecondsLeft(Math.max(0, Math.ceil((endsAt - Date.now()) / 1_000)));
    update();
    const timer = setInterval(update, 250);
    return () => clearInterval(timer);
  }, [seconds, source]);

  return secondsLeft;
}
