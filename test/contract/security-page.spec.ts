import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { FakeClock } from '../support/fake-clock.js';
import { openStore } from '../support/store.js';

const PAGE = readFileSync('docs/security.md', 'utf8');
const INVARIANTS = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7'];

/** Every `table.column` of a new database. */
async function listColumns(): Promise<string[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'otp-columns-'));
  await (await openStore(new FakeClock(), { DATA_DIR: dataDir })).close();
  const database = new Libsql(join(dataDir, 'otp.db'));
  const columns = database
    .prepare(
      `select t.name || '.' || c.name as name
       from sqlite_schema t join pragma_table_info(t.name) c where t.type = 'table'`,
    )
    .all()
    .map((row) => (row as { name: string }).name);
  database.close();
  rmSync(dataDir, { recursive: true });
  return columns;
}

describe('docs/security.md', () => {
  it('states for every column once in which form it is stored', async () => {
    const rows = [...PAGE.matchAll(/^\| `(\w+)` +\| ((?:`\w+`(?:, )?)+) +\|/gm)];
    const documentedColumns = rows.flatMap(([, table = '', columns = '']) =>
      [...columns.matchAll(/\w+/g)].map(([column]) => `${table}.${column}`),
    );

    expect(documentedColumns.sort()).toEqual((await listColumns()).sort());
  });

  it('names existing tests for every invariant', () => {
    const sections = PAGE.split(/^\*\*(?=I\d\.)/m).slice(1);
    expect(sections.map((section) => section.slice(0, 2))).toEqual(INVARIANTS);
    for (const section of sections) expect(section).toMatch(/^- `test\//m);

    // In the lists of the invariants, and in the table of attacks.
    const documentedTests = [...PAGE.matchAll(/`(test\/\S+)`: (?:([^“|\n]+) )?“([^”]*)”/g)];
    expect(documentedTests.length).toBe(PAGE.match(/“[^”]*”(?=$| +\|$)/gm)?.length);
    for (const [, file = '', subject = '', title = ''] of documentedTests) {
      const source = readFileSync(file, 'utf8');
      expect([title, source]).toEqual([
        title,
        expect.stringMatching(new RegExp(`(it|\\))\\(\\s*(['"])${escaped(title)}\\2`)),
      ]);
      expect([subject, source]).toEqual([
        subject,
        expect.stringMatching(
          new RegExp(`describe(\\.each\\(.*\\))?\\(\\s*['\`]${escaped(subject)}`),
        ),
      ]);
    }
  });
});

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
