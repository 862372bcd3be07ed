import { createServer, type IncomingMessage } from 'node:http';
import { toNodeHandler } from 'better-auth/node';
import { auth } from './auth.js';

const { PORT = '3001', HOST = '127.0.0.1' } = process.env;
const handle = toNodeHandler(auth);

/** better-auth reads a body of any length, so a long or unknown length is rejected here. */
const isTooLarge = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 10_000;

const server = createServer(async (request, response) => {
  if (isTooLarge(request)) {
    response.writeHead(413, { connection: 'close' }).end();
    return;
  }
  // better-auth and the OTP service limit requests by this address. Behind a proxy, take the header that
  // the proxy sets.
  request.headers['x-forwarded-for'] = request.socket.remoteAddress;
  try {
    await handle(request, response);
  } catch {
    // `Host` is not valid in a URL. Uncaught, this error would end the process.
    if (!response.headersSent) response.writeHead(400);
    response.end();
  }
});
server.listen(Number(PORT), HOST, () => {
  console.log(`Listening on http://${HOST}:${PORT}/api/auth`);
});
process.once('SIGTERM', () => server.close());
