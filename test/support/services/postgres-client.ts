import pg from 'pg';

/** An option of pg: values are returned as text, as PostgreSQL sends them. */
const AS_TEXT = { getTypeParser: () => String };

/** Runs statements and returns their rows, one per line, with columns separated by `|`. */
export async function queryPostgres(url: string, ...statements: string[]): Promise<string> {
  const client = new pg.Client({ connectionString: url, types: AS_TEXT });
  await client.connect();
  try {
    const lines: string[] = [];
    for (const text of statements) {
      const { rows } = await client.query<(string | null)[]>({ text, rowMode: 'array' });
      lines.push(...rows.map((row) => row.map((value) => value ?? '').join('|')));
    }
    return lines.join('\n');
  } finally {
    await client.end();
  }
}

const DELETE_RECORDS = `do $$ declare name text; begin
  for name in select tablename from pg_tables
    where schemaname = 'public' and tablename <> 'schema_version'
  loop execute 'delete from ' || quote_ident(name); end loop;
end $$`;

/** Empties a database of the service, for reuse: creating a database takes longer. */
export async function deleteRecords(url: string): Promise<void> {
  await queryPostgres(url, DELETE_RECORDS);
}
