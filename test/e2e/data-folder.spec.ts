import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { startReplica, type Replica } from '../support/replica.js';

const DATABASE_FILES = ['otp.db', 'otp.db-shm', 'otp.db-wal'];

describe('The data folder of SQLite', () => {
  let parent: string;
  let folder: string;
  let replica: Replica | undefined;

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'otp-folder-'));
    folder = join(parent, 'new', 'data');
  });

  afterEach(async () => {
    await replica?.stop();
    replica = undefined;
    rmSync(parent, { recursive: true });
  });

  const start = async () => {
    await replica?.stop();
    replica = await startReplica({ DATA_DIR: folder, INFOBIP_BASE_URL: 'http://127.0.0.1:9' });
    return replica;
  };
  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
  const modesOfFiles = () =>
    Object.fromEntries(readdirSync(folder).map((name) => [name, modeOf(join(folder, name))]));

  it('is created with all its files so that only its owner can read them', async () => {
    const { output } = await start();

    expect(modesOfFiles()).toEqual(Object.fromEntries(DATABASE_FILES.map((name) => [name, '600'])));
    expect([folder, join(parent, 'new')].map(modeOf)).toEqual(['700', '700']);
    expect(output).not.toContain('"level":"warn"');
  });

  it('is closed to other users at the next start if they could read it, and each path is logged', async () => {
    await (await start()).stop();
    // While this connection is open, SQLite does not delete the -shm and -wal files.
    const reader = new Libsql(join(folder, 'otp.db'));
    reader.exec('select * from verifications');
    for (const name of DATABASE_FILES) chmodSync(join(folder, name), 0o644);
    chmodSync(folder, 0o755);
    const { output } = await start();
    const [modes, modeOfFolder] = [modesOfFiles(), modeOf(folder)];
    reader.close();

    expect(modes).toEqual(Object.fromEntries(DATABASE_FILES.map((name) => [name, '600'])));
    expect(modeOfFolder).toBe('700');
    for (const path of [folder, ...DATABASE_FILES.map((name) => join(folder, name))]) {
      expect(output).toContain(`Other users of this machine could read ${path} (mode `);
    }
    expect((await start()).output).not.toContain('Other users');
  });

  it('stays readable for other users if it has files of another program, with a warning', async () => {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'notes.txt'), 'of another program');
    const { output } = await start();

    expect(modesOfFiles()).toMatchObject(
      Object.fromEntries(DATABASE_FILES.map((name) => [name, '600'])),
    );
    expect(modeOf(folder)).toBe('755');
    expect(output).toContain(`Other users of this machine can list ${folder}`);
  });
});
