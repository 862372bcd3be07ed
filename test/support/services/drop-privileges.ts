import { readFileSync } from 'node:fs';

/** The user of a process, as options of `spawn`. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

const UNPRIVILEGED_USERS = ['postgres', 'nobody'];

/** The user for a server that refuses to run as root; `undefined` if this process is not root. */
export function dropPrivileges(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const wanted of UNPRIVILEGED_USERS) {
    const user = users.find(([name]) => name === wanted);
    if (user !== undefined) return { uid: Number(user[2]), gid: Number(user[3]) };
  }
  throw new Error(`/etc/passwd has none of the users ${UNPRIVILEGED_USERS.join(', ')}.`);
}
