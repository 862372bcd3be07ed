import { formatSeconds } from './texts';
import { useCountdown } from './useCountdown';

interface Props {
  busy: string | undefined;
  state: { resendInSeconds: number };
  label: string;
  className?: string;
}

/** Counts down until a message may be sent. Unlike `disabled`, `aria-disabled` keeps the focus. */
export function ResendButton({ busy, state, label, className }: Props) {
  const secondsLeft = useCountdown(state.resendInSeconds, state);
  const text = secondsLeft > 0 ? `${label} in ${formatSeconds(secondsLeft)}` : label;

  return (
    <button
      name="action"
      value="resend"
      className={className}
      aria-disabled={secondsLeft > 0 || busy !== undefined}
      onClick={(event) => {
        if (secondsLeft > 0) event.preventDefault();
      }}
    >
      {busy === 'resend' ? 'Sending…' : text}
    </button>
  );
}
