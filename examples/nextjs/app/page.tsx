import Link from 'next/link';
import { redirect } from 'next/navigation';
import { NumberForm } from '../components/NumberForm';
import { readState } from '../lib/page-session';

export default async function NumberPage() {
  const state = await readState();
  if (state.step === 'verified') redirect('/verified');

  return (
    <>
      <h1 id="title">Verify your number</h1>
      <p className="lead">We send you a code by SMS.</p>
      <NumberForm />
      {state.step === 'code' && (
        <Link className="quiet" href="/code" prefetch={false}>
          Enter the code for {state.to}
        </Link>
      )}
    </>
  );
}
