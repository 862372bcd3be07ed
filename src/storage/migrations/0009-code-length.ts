import type { Kysely } from 'kysely';

/** How many digits the code of a verification has; 0 if that is unknown. */
export async function codeLength(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('verifications')
    .addColumn('code_length', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  // A replica of the previous release may replace the code by a code of another provider,
  // without a change of `code_length`. The length is valid only if `code_provider` is `provider`.
  await db.schema
    .alterTable('verifications')
    .addColumn('code_provider', 'text', (column) => column.notNull().defaultTo(''))
    .execute();
}
