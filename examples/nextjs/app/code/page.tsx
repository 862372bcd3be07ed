import type { Metadata } from 'next';
import Link from 'next/link';
import { redirect } from 'next/navigation';
import { CodeForm } from '../../components/CodeForm';
import { OverForm } from '../../components/OverForm';
import { readState } from '../../lib/page-session';

export const metadata: Metadata = { title: 'Enter the code' };

export default async function CodePage() {
  const state = await readState();
  if (state.step === 'number') redirect('/');
  if (state.step === 'verified') redirect('/verified');

  return (
    <>
      {state.step === 'code' ? <CodeForm state={state} /> : <OverForm state={state} />}
      <Link className="quiet" href="/" prefetch={false}>
        Change the number
      </Link>
    </>
  );
}
