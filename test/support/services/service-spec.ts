import { type User } from './drop-privileges';

/** How to run a server. */
export interface ServiceSpec {
  readonly name: string;
  readonly user: User | undefined;
  /** Makes the folder ready for the first start. */
  prepare(folder: string): Promise<void>;
  readonly command: string;
  args(folder: string, port: number): string[];
  /**
   * What the server logs once it answers. Its own log is the proof: if another server was quicker to
   * take the port, the port would answer too.
   */
  readonly ready: string;
  /** Ends the server at once. */
  readonly stopSignal: NodeJS.Signals;
}

/** The environment of a server: nothing in a developer's own settings can change how it behaves. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
}
