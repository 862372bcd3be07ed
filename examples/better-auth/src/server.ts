import { createServer } from 'node:http';
import { toNodeHandler } from 'better-auth/node';
import { auth } from './auth.js';

const { PORT = '3001', HOST = '127.0.0.1' } = process.env;
const handle = toNodeHandler(auth);

const server = createServer((request, response) => {
  // better-auth and the OTP service limit requests by this address. Behind a proxy, take the header that
  // the proxy sets.
  request.headers['x-forwarded-for'] = request.socket.remoteAddress;
  void handle(request, response);
});
server.listen(Number(PORT), HOST, () => {
  console.log(`Listening on http://${HOST}:${PORT}/api/auth`);
});
process.once('SIGTERM', () => server.close());
