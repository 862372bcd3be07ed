import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LOOPBACK } from './ports';
import { startServer } from './postgres';
import { queryPostgres } from './postgres-client';
import type { ServiceProcess } from './service-process';

const POLL_MS = 20;

/** A primary and a streaming standby, which has everything that was committed. */
export interface PostgresPair {
  readonly primaryUrl: string;
  readonly standbyUrl: string;
  /** Makes the primary refuse writes. Its connections stay. Resolves when no write is open. */
  makeReadOnly(): Promise<void>;
  /** Stops the primary, which first sends everything to the standby. */
  stopPrimary(): Promise<void>;
  /** Promotes the standby, once it has replayed everything that it received. */
  promote(): Promise<void>;
  /** Starts the stopped primary as a standby of the promoted one, on the same port. */
  startAsStandby(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts both. A commit waits until the standby shows it (`synchronous_commit=remote_apply`). */
export async function startPostgresPair(): Promise<PostgresPair> {
  const primary = await startServer();
  const primaryUrl = toUrl(primary);
  const options = ['--write-recovery-conf', '--checkpoint=fast', `--dbname=${primaryUrl}`];
  const standby = await startServer({ source: { program: 'pg_basebackup', options } });
  const standbyUrl = toUrl(standby);
  await queryPostgres(
    primaryUrl,
    'alter system set synchronous_commit = remote_apply',
    `alter system set synchronous_standby_names = '*'`,
    'select pg_reload_conf()',
  );
  await waitFor(
    primaryUrl,
    `select count(*) = 1 from pg_stat_replication where sync_state = 'sync'`,
  );
  return {
    primaryUrl,
    standbyUrl,
    makeReadOnly: async () => {
      await queryPostgres(
        primaryUrl,
        'alter system set default_transaction_read_only = on',
        'select pg_reload_conf()',
      );
      await waitFor(primaryUrl, `select current_setting('default_transaction_read_only') = 'on'`);
      const noWriter = 'select count(*) = 0 from pg_stat_activity where backend_xid is not null';
      await waitFor(primaryUrl, noWriter);
    },
    stopPrimary: () => primary.shutDown('SIGINT'),
    promote: async () => {
      await waitFor(standbyUrl, 'select pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn()');
      await queryPostgres(standbyUrl, 'select pg_promote()');
    },
    startAsStandby: async () => {
      const data = join(primary.folder, 'data');
      const source = `host=${LOOPBACK} port=${String(standby.port)} user=postgres`;
      await appendFile(join(data, 'postgresql.auto.conf'), `primary_conninfo = '${source}'\n`);
      await writeFile(join(data, 'standby.signal'), '');
      await primary.restart();
    },
    stop: async () => {
      await standby.stop();
      await primary.stop();
    },
  };
}

const toUrl = ({ port }: ServiceProcess): string =>
  `postgres://postgres@${LOOPBACK}:${String(port)}/postgres`;

/** Waits until a new connection sees the condition. */
async function waitFor(url: string, condition: string): Promise<void> {
  while (!['true', 't'].includes(await queryPostgres(url, condition))) await delay(POLL_MS);
}
