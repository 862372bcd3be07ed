import { type User } from './drop-privileges';

/** How to run a server. */
export interface ServiceSpec {
  readonly name: string;
  /** `undefined` for the user of this process. */
  readonly user: User | undefined;
  /** Prepares the folder for the first start. */
  prepare(folder: string): Promise<void>;
  readonly command: string;
  args(folder: string, port: number): string[];
  /**
   * Text that the server logs when it is ready. A connection to the port is no proof: another server
   * may have taken the port first.
   */
  readonly ready: string | RegExp;
  /** Ends the server at once. */
  readonly stopSignal: NodeJS.Signals;
}

/** The environment of a server, independent of the developer's own settings. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
}
