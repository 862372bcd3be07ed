import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const PATIENCE_MS = 5_000;

/** Redis's answer (of one line, as on the wire) to a command, in the database that the url names. */
export async function sendRedisCommand(url: string, ...command: string[]): Promise<string> {
  const { protocol, hostname: host, port, username, password, pathname } = new URL(url);
  const address = { host, port: Number(port || '6379') };
  const socket = protocol === 'rediss:' ? connectTls(address) : connect(address);
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('Redis does not answer.')));

  const commands = [command];
  if (pathname.length > 1) commands.unshift(['SELECT', pathname.slice(1)]);
  const credentials = [username, password].filter((part) => part !== '').map(decodeURIComponent);
  if (credentials.length > 0) commands.unshift(['AUTH', ...credentials]);
  socket.setEncoding('utf8').write(commands.map(encode).join(''));

  let received = '';
  for await (const text of socket) {
    received += String(text);
    const answers = received.split('\r\n').slice(0, -1);
    const refusal = answers.find((answer) => answer.startsWith('-'));
    if (refusal !== undefined) throw new Error(`Redis refused: ${refusal}`);
    const answer = answers[commands.length - 1];
    if (answer !== undefined) return answer;
  }
  throw new Error('Redis closed the connection before it answered.');
}

function encode(command: string[]): string {
  const words = command.map((word) => `$${String(Buffer.byteLength(word))}\r\n${word}\r\n`);
  return `*${String(command.length)}\r\n${words.join('')}`;
}
