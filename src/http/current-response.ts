import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The first answer on a connection that is not out yet: Node's own note, which its server goes by, too. */
export const currentResponse = (socket: Socket): ServerResponse | undefined =>
  (socket as Socket & { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
