import {
  startTransition,
  useActionState,
  useEffect,
  useRef,
  useState,
  type FormEvent,
} from 'react';
import type { FormState } from '../app/actions';

type ServerAction = (state: FormState, form: FormData) => Promise<FormState>;

/**
 * Connects a form with a server action. Runs one action at a time, so a double click sends one message. The
 * submit handler keeps the typed text, which React would clear. Browsers without JavaScript use `action`.
 */
export function useFormAction(serverAction: ServerAction) {
  const [result, action, isPending] = useActionState(serverAction, {});
  const isRunning = useRef(false);
  const [lastAction, setLastAction] = useState('');

  useEffect(() => {
    if (!isPending) isRunning.current = false;
  }, [isPending]);

  const submit = (form: FormData) => {
    if (isRunning.current) return;
    isRunning.current = true;
    setLastAction(String(form.get('action')));
    startTransition(() => action(form));
  };
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    // Includes the value of the button that was pressed.
    submit(new FormData(event.currentTarget, (event.nativeEvent as SubmitEvent).submitter));
  };
  return {
    /** Why the last action did not succeed. */
    problem: isPending ? undefined : result.problem,
    isResent: !isPending && result.isResent === true,
    /** Set while the server has not answered: the value of the form field `action`. */
    busy: isPending ? lastAction : undefined,
    submit,
    form: { action, onSubmit, noValidate: true },
  };
}
