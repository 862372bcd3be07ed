import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import Libsql from 'libsql';
import { minutes } from '../../src/common/durations.js';
import { FakeClock } from '../support/fake-clock.js';
import { openStore } from '../support/store.js';

const ROWS = 1_000_000;
const MAX_RSS_KB = 200_000;
const DAYS = 30;
/** Of a day, client and country. */
const GROUPS = 15_000;

jest.setTimeout(minutes(5));

/** A million verifications over 30 days, by 100 clients in 50 countries. */
const INSERT = `insert into verifications (pin_id, client, number_hash, status, channel, reference_hash,
    attempts, max_attempts, sealed, created_at, expires_at, verified_at, provider, country,
    prefix_hash, end_user_hash, texts)
  with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < ${ROWS - 1})
  select 'pin-' || n, 'client-' || (n % 100), 'hash-' || n, case n % 3 when 0 then 'cancelled' else 'verified' end,
    'sms', '', 1, 5, 'sealed', unixepoch('2026-11-01') * 1000 + (n % ${DAYS}) * 86400000, 0, null, 'infobip',
    char(65 + n / 100 % 10) || char(65 + n / 1000 % 5), '', '', 1
  from numbers`;

describe('npm run usage', () => {
  // At exit, prints the peak resident memory of the process in kB. It is read from Linux, because
  // `process.resourceUsage().maxRSS` of a child process includes the peak of its parent.
  const PRINT_PEAK_MEMORY = `
    import { readFileSync } from 'node:fs';
    process.on('exit', () =>
      console.error(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]));`;

  it('reports a million verifications in less than 200 MB', async () => {
    const DATA_DIR = mkdtempSync(join(tmpdir(), 'otp-usage-'));
    await (await openStore(new FakeClock(), { DATA_DIR })).close();
    const database = new Libsql(join(DATA_DIR, 'otp.db'));
    database.exec('pragma synchronous = off');
    database.exec(INSERT);
    database.close();

    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [
        '--import',
        `data:text/javascript,${encodeURIComponent(PRINT_PEAK_MEMORY)}`,
        resolve('.test-build/cli/main.js'),
        ...['usage', '--from', '2026-11-01', '--to', '2026-11-30'],
        ...['--by', 'day,client,country', '--json'],
      ],
      { cwd: DATA_DIR, env: { PATH: process.env['PATH'], DATA_DIR }, maxBuffer: 1e8 },
    );
    rmSync(DATA_DIR, { recursive: true });

    const report = JSON.parse(stdout) as { groups: unknown[]; total: { sends: number } };
    expect(report.groups).toHaveLength(GROUPS);
    expect(report.total.sends).toBe(ROWS);
    // No Node process needs less than 10 MB: a lower number would be in another unit.
    expect(Number(stderr)).toBeGreaterThan(10_000);
    expect(Number(stderr)).toBeLessThan(MAX_RSS_KB);
  });
});
