import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { Title } from '../../components/parts';
import { readState } from '../../lib/page-session';
import { restart } from '../actions';

export const metadata: Metadata = { title: 'Verified' };

export default async function VerifiedPage() {
  const state = await readState();
  if (state.step !== 'verified') redirect('/');

  return (
    <>
      <div className="tick" aria-hidden="true" />
      <Title text="Verified" />
      <p className="lead">
        The number <strong>{state.to}</strong> is yours.
      </p>
      <form action={restart}>
        <button className="soft">Verify another number</button>
      </form>
    </>
  );
}
