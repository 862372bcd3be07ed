import { formatSeconds } from './texts';
import { useCountdown } from './useCountdown';

interface Props {
  busy: string | undefined;
  state: { resendInSeconds: number };
  label: string;
  className?: string;
}

/** Counts down until another message may be sent. With `aria-disabled` it keeps the focus meanwhile. */
export function ResendButton({ busy, state, label, className }: Props) {
  const left = useCountdown(state.resendInSeconds, state);
  const text = left > 0 ? `${label} in ${formatSeconds(left)}` : label;

  return (
    <button
      name="action"
      value="resend"
      className={className}
      aria-disabled={left > 0 || busy !== undefined}
      onClick={(event) => {
        if (left > 0) event.preventDefault();
      }}
    >
      {busy === 'resend' ? 'Sending…' : text}
    </button>
  );
}
