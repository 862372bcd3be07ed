import { sql, type RawBuilder } from 'kysely';
import type { BudgetScope } from '../common/label-values.js';

/** The fields of a verification that its sends are counted by. */
export interface CountKey {
  readonly client: string;
  readonly country: string;
  readonly prefix_hash: string;
  readonly created_at: number;
}

/** What a send is counted by. `unreachable`: the unreachable numbers of a client. */
export type CountScope = BudgetScope | 'client' | 'unreachable';

/** Every subject of a send, as in the column `subject`. */
export type TrafficSubjects = Readonly<Record<CountScope, string>>;

/**
 * The scopes that count a send. All transactions write their rows in this order, which prevents
 * deadlocks.
 */
export const COUNT_SCOPES = [
  'prefix',
  'client_prefix',
  'country',
  'client_country',
  'client',
] as const satisfies readonly CountScope[];

/** The scopes that a send is checked by: also the unreachable numbers of its client. */
export const CHECKED_SCOPES: readonly CountScope[] = [...COUNT_SCOPES, 'unreachable'];

/** Scopes with one row per bucket, which a send locks. The others are spread over shards. */
export const isExact = (scope: CountScope): boolean =>
  scope === 'prefix' || scope === 'client_prefix';

/** Whether sends are counted. False for verifications from releases before counts existed. */
export const isCounted = ({ country }: CountKey): boolean => country !== '';

/**
 * Whether the fraud budgets count a verification. A trusted number has no prefix hash, so its sends
 * count only for its client. They neither use up nor raise the budgets of other numbers.
 */
export const hasBudgets = ({ prefix_hash }: Pick<CountKey, 'prefix_hash'>): boolean =>
  prefix_hash !== '';

export const toClientSubject = (client: string): string => `client:${client}`;

export const toWrongCodesSubject = (client: string): string => `wrong-codes:${client}`;

/** Migration 0005, which derives the first counts of each client, writes the same subjects. */
export const toSubjects = ({ prefix_hash, country, client }: CountKey): TrafficSubjects => ({
  prefix: `prefix:${prefix_hash}`,
  client_prefix: `client-prefix:${prefix_hash}:${client}`,
  country: `country:${country}`,
  client_country: `client-country:${country}:${client}`,
  client: toClientSubject(client),
  unreachable: `unreachable:${client}`,
});

/** In a statement: the same subjects, from the columns of a verification. */
export const SUBJECT_OF_ROW: Readonly<Record<(typeof COUNT_SCOPES)[number], RawBuilder<string>>> = {
  prefix: sql`'prefix:' || prefix_hash`,
  client_prefix: sql`'client-prefix:' || prefix_hash || ':' || client`,
  country: sql`'country:' || country`,
  client_country: sql`'client-country:' || country || ':' || client`,
  client: sql`'client:' || client`,
};

/** A record with a value for each scope. Written out for speed, because each send makes one. */
export const mapScopes = <T>(toValue: (scope: CountScope) => T): Record<CountScope, T> => ({
  prefix: toValue('prefix'),
  client_prefix: toValue('client_prefix'),
  country: toValue('country'),
  client_country: toValue('client_country'),
  client: toValue('client'),
  unreachable: toValue('unreachable'),
});
