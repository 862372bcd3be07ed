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
 * A form for a server action. One action at a time: a double click sends once. The submit handler keeps what
 * was typed, which React would clear; `action` is for browsers without JavaScript.
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
    // With the button that was pressed.
    submit(new FormData(event.currentTarget, (event.nativeEvent as SubmitEvent).submitter));
  };
  return {
    /** Why the last action did not succeed. */
    problem: isPending ? undefined : result.problem,
    isResent: !isPending && result.isResent === true,
    /** The name of the action that waits for the server. */
    busy: isPending ? lastAction : undefined,
    submit,
    form: { action, onSubmit, noValidate: true },
  };
}
