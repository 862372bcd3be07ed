import { join } from 'node:path';
import Libsql from 'libsql';
import type { FloorStore } from './floor.js';

/** As durable as the service: every commit is written to the disk. */
export function openSqliteFloor(folder: string): FloorStore {
  const database = new Libsql(join(folder, 'floor.db'));
  database.exec('pragma journal_mode = WAL');
  database.exec('pragma synchronous = FULL');
  database.exec(`create table verifications (
    pin_id text primary key, phone_number text not null, provider_pin_id text,
    status text not null, attempts integer not null)`);
  const insert = database.prepare(`insert into verifications values (?, ?, null, 'sending', 0)`);
  const confirm = database.prepare(
    `update verifications set provider_pin_id = ?, status = 'pending' where pin_id = ?`,
  );
  const countAttempt = database.prepare(
    `update verifications set attempts = attempts + 1 where pin_id = ? returning provider_pin_id`,
  );
  const complete = database.prepare('update verifications set status = ? where pin_id = ?');
  return {
    insert: (pinId, phoneNumber) => void insert.run(pinId, phoneNumber),
    confirm: (pinId, providerPinId) => void confirm.run(providerPinId, pinId),
    countAttempt: (pinId) =>
      (countAttempt.get(pinId) as { provider_pin_id: string }).provider_pin_id,
    complete: (pinId, status) => void complete.run(status, pinId),
  };
}
