import { formatSeconds } from './texts';
import { useCountdown } from './useCountdown';
import type { Otp } from './useOtp';

interface Props {
  otp: Otp;
  state: { resendInSeconds: number };
  label: string;
  className?: string;
}

/** Counts down until another message may be sent. With `aria-disabled` it keeps the focus meanwhile. */
export function ResendButton({ otp, state, label, className }: Props) {
  const left = useCountdown(state.resendInSeconds, state);
  const text = left > 0 ? `${label} in ${formatSeconds(left)}` : label;

  return (
    <button
      type="button"
      className={className}
      aria-disabled={left > 0 || otp.busy !== undefined}
      onClick={() => {
        if (left === 0) otp.resendCode();
      }}
    >
      {otp.busy === 'resend' ? 'Sending…' : text}
    </button>
  );
}
