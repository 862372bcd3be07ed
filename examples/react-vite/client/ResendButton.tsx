import { formatSeconds } from './texts';
import { useCountdown } from './useCountdown';
import type { Otp } from './useOtp';

interface Props {
  otp: Otp;
  state: { resendInSeconds: number };
  label: string;
  className?: string;
}

/** Counts down until a message may be sent. Unlike `disabled`, `aria-disabled` keeps the focus. */
export function ResendButton({ otp, state, label, className }: Props) {
  const secondsLeft = useCountdown(state.resendInSeconds, state);
  const text = secondsLeft > 0 ? `${label} in ${formatSeconds(secondsLeft)}` : label;

  return (
    <button
      type="button"
      className={className}
      aria-disabled={secondsLeft > 0 || otp.busy !== undefined}
      onClick={() => {
        if (secondsLeft === 0) otp.resendCode();
      }}
    >
      {otp.busy === 'resend' ? 'Sending…' : text}
    </button>
  );
}
