import { SetMetadata } from '@nestjs/common';
import type { ErrorCode } from '../common/error-catalog.js';
import type { NamedSchema } from './schema.js';

/** An answer that is no problem document. */
interface DescribedAnswer {
  readonly description: string;
  /** Of the JSON body, if there is one. */
  readonly body?: NamedSchema;
  /** Whether the body is plain text. */
  readonly text?: boolean;
}

/** What is to be said of a route that the code itself does not say. */
export interface Description {
  /** The call's name in a generated client. */
  readonly operationId: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description: string;
  readonly body?: NamedSchema;
  /** Whether an `Idempotency-Key` is taken. */
  readonly keyed?: boolean;
  /** By status. */
  readonly answers: Readonly<Record<number, DescribedAnswer>>;
  /** Ends that are this route's own, beside those that all of its kind have. */
  readonly problems: readonly ErrorCode[];
}

/** What calls are about, in the document's order. */
export const TAGS = {
  Verifications: 'Send a code to a phone, and check the one that comes back.',
  Numbers: 'What is on record about a phone number, for the client that asks.',
  Health: 'For probes, balancers and operators. Needs no key.',
} as const;

export type Tag = keyof typeof TAGS;

export const DESCRIPTION = Symbol('description');

/** Puts a route into the API document. One without it is not part of the API. */
export const Described = (description: Description) => SetMetadata(DESCRIPTION, description);
