import pg from 'pg';

/** Returns values as text, as PostgreSQL sends them. */
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
