import { useCallback, useEffect, useRef, useState } from 'react';
import type { OtpAction, OtpProblem, OtpState } from '../server/otp-state';
import { fetchState, runAction } from './api';
import { useStepHistory } from './useStepHistory';

/** The problem that the server did not answer. */
export interface NoAnswer {
  action: OtpAction | 'load';
  code: 'no_answer';
}

/** What the form shows, and the actions of the user. */
export interface Otp {
  /** What the server answered last; undefined before its first answer. */
  state: OtpState | undefined;
  problem: OtpProblem | NoAnswer | undefined;
  /** The action that waits for the server. */
  busy: OtpAction | undefined;
  /** Whether the code was just sent again. */
  isResent: boolean;
  /** Whether the user went back to the number form after a code was sent. */
  isBack: boolean;
  load: () => void;
  requestCode: (phoneNumber: string) => void;
  resendCode: () => void;
  verifyCode: (code: string) => void;
  restart: () => void;
  goBack: () => void;
  goToCode: () => void;
  clearProblem: () => void;
}

/** Verifies a phone number by the routes under `/api/otp`. The state survives a reload. */
export function useOtp(): Otp {
  const [state, setState] = useState<OtpState>();
  const [problem, setProblem] = useState<Otp['problem']>();
  const [busy, setBusy] = useState<OtpAction>();
  const [isResent, setIsResent] = useState(false);
  const isRunning = useRef(false);
  const { isBack, goBack, goToCode } = useStepHistory();

  /** One action at a time: a double click sends once. */
  const run = useCallback(
    async (action: OtpAction, body?: object) => {
      if (isRunning.current) return;
      isRunning.current = true;
      setBusy(action);
      setProblem(undefined);
      setIsResent(false);
      try {
        const answer = await runAction(action, body);
        setState(answer.state);
        setProblem(answer.problem);
        if (!answer.problem && answer.state.step === 'code') goToCode();
        setIsResent(action === 'resend' && !answer.problem);
      } catch {
        setProblem({ action, code: 'no_answer' });
      } finally {
        isRunning.current = false;
        setBusy(undefined);
      }
    },
    [goToCode],
  );

  const load = useCallback(async () => {
    try {
      const answer = await fetchState();
      setState(answer.state);
      setProblem(undefined);
      if (answer.state.step === 'code') goToCode();
    } catch {
      setProblem({ action: 'load', code: 'no_answer' });
    }
  }, [goToCode]);

  useEffect(() => void load(), [load]);

  return {
    ...{ state, problem, busy, isResent, isBack, goBack, goToCode },
    load: () => void load(),
    requestCode: (phoneNumber) => void run('request', { phoneNumber }),
    resendCode: () => void run('resend'),
    verifyCode: useCallback((code: string) => void run('verify', { code }), [run]),
    restart: () => void run('restart'),
    clearProblem: () => setProblem(undefined),
  };
}
