// A server in a process of its own that reports its CPU time on request. It is the built sandbox, or
// a bare Node server that returns the same response.
import { randomBytes, randomInt } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';

async function startBare() {
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const { to } = JSON.parse(text);
      const pinId = randomBytes(16).toString('hex').toUpperCase();
      const pin = String(randomInt(1_000_000)).padStart(6, '0');
      const status = { ncStatus: 'NC_DESTINATION_REACHABLE', smsStatus: 'MESSAGE_SENT' };
      response.setHeader('content-type', 'application/json; charset=utf-8');
      response.end(JSON.stringify({ pinId, to, ...status, pin }));
    });
  });
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${server.address().port}`;
}

async function startBuiltSandbox(build) {
  const { startSandbox } = await import(join(build, 'sandbox/sandbox.js'));
  return (await startSandbox({ port: 0 })).url;
}

const [, , build] = process.argv;
const url = build ? await startBuiltSandbox(build) : await startBare();
process.on('message', () => process.send(process.cpuUsage()));
process.on('disconnect', () => process.exit());
process.send(url);
