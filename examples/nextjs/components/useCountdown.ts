import { useEffect, useState } from 'react';

/** Seconds that are left. Starts anew whenever `source` is another object. */
export function useCountdown(seconds: number, source: unknown): number {
  const [left, setLeft] = useState(seconds);

  useEffect(() => {
    const endsAt = Date.now() + seconds * 1_000;
    const update = () => setLeft(Math.max(0, Math.ceil((endsAt - Date.now()) / 1_000)));
    update();
    const timer = setInterval(update, 250);
    return () => clearInterval(timer);
  }, [seconds, source]);

  return left;
}
