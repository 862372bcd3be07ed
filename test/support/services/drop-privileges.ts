import { readFileSync } from 'node:fs';

/** Whom a process runs as, in the words of `spawn`. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Whom to run a server as that refuses to run as root; undefined when we are not root. */
export function dropPrivileges(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody']) {
    const user = users.find(([name]) => name === wanted);
    if (user !== undefined) return { uid: Number(user[2]), gid: Number(user[3]) };
  }
  throw new Error('Neither the user postgres nor the user nobody is in /etc/passwd.');
}
