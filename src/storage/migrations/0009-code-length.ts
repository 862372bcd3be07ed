import type { Kysely } from 'kysely';

/** How many digits the code of a verification has; 0 if that is not known. */
export async function codeLength(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('verifications')
    .addColumn('code_length', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  // A replica of the release before this one may replace the code by one of another provider. It
  // does not change `code_length`, which is valid only if `code_provider` is still `provider`.
  await db.schema
    .alterTable('verifications')
    .addColumn('code_provider', 'text', (column) => column.notNull().defaultTo(''))
    .execute();
}
