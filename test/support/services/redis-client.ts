import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const TIMEOUT_MS = 5_000;

/**
 * Sends a command to the database in the URL.
 * @returns Redis's reply: one line in the format of its protocol, such as `+OK`
 */
export async function sendRedisCommand(url: string, ...command: string[]): Promise<string> {
  const { protocol, hostname: host, port, username, password, pathname } = new URL(url);
  const address = { host, port: Number(port || '6379') };
  const socket = protocol === 'rediss:' ? connectTls(address) : connect(address);
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('Redis does not respond.')));

  const commands = [command];
  if (pathname.length > 1) commands.unshift(['SELECT', pathname.slice(1)]);
  const credentials = [username, password].filter((part) => part !== '').map(decodeURIComponent);
  if (credentials.length > 0) commands.unshift(['AUTH', ...credentials]);
  socket.setEncoding('utf8').write(commands.map(encode).join(''));

  let received = '';
  for await (const text of socket) {
    received += String(text);
    const replies = received.split('\r\n').slice(0, -1);
    const error = replies.find((reply) => reply.startsWith('-'));
    if (error !== undefined) throw new Error(`Redis returned an error: ${error}`);
    const reply = replies[commands.length - 1];
    if (reply !== undefined) return reply;
  }
  throw new Error('Redis closed the connection before it replied.');
}

function encode(command: string[]): string {
  const words = command.map((word) => `$${String(Buffer.byteLength(word))}\r\n${word}\r\n`);
  return `*${String(command.length)}\r\n${words.join('')}`;
}
