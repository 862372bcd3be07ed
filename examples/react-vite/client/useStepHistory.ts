import { useCallback, useEffect, useState } from 'react';

const CODE_STEP = { otp: 'code' };
const isAtCode = (): boolean => window.history.state?.otp === CODE_STEP.otp;

/** Gives the code step an entry in the history: Back shows the number form, Forward the code again. */
export function useStepHistory() {
  const [isBack, setIsBack] = useState(false);

  useEffect(() => {
    const update = () => setIsBack(!isAtCode());
    window.addEventListener('popstate', update);
    return () => window.removeEventListener('popstate', update);
  }, []);

  const goToCode = useCallback(() => {
    if (!isAtCode()) window.history.pushState(CODE_STEP, '');
    setIsBack(false);
  }, []);

  const goBack = useCallback(() => {
    if (isAtCode()) window.history.back();
    else setIsBack(true);
  }, []);

  return { isBack, goBack, goToCode };
}
