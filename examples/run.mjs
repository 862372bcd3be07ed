/**
 * Starts an example together with the service and the sandbox: `npm run example -- express`.
 * Installs and builds first what is missing. PORT, SERVICE_PORT and SANDBOX_PORT choose other ports.
 * Never uses a real account, even if the environment or `.env` names one.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseEnv } from 'node:util';

const EXAMPLES = import.meta.dirname;
const ROOT = join(EXAMPLES, '..');
/** Settings of real accounts, clients and servers, as values or files. */
const REAL_SETTING =
  /^(INFOBIP_|SINCH_|PROVIDERS|PROVIDER_ROUTES|API_KEYS|CLIENTS_FILE|METRICS_CLIENT|DATABASE_URL|REDIS_URL|EVENTS_|PUBLIC_URL)/;
const { PORT = '3001', SERVICE_PORT = '3000', SANDBOX_PORT = '3999', DATABASE_URL } = process.env;
const SERVICE_URL = `http://127.0.0.1:${SERVICE_PORT}`;
const children = [];

const [name] = process.argv.slice(2);
const names = readdirSync(EXAMPLES).filter((each) =>
  existsSync(join(EXAMPLES, each, 'package.json')),
);
if (!names.includes(name)) stop(`Usage: npm run example -- NAME\nExamples: ${names.join(', ')}`);
const folder = join(EXAMPLES, name);

if (!existsSync(join(ROOT, 'node_modules'))) run(ROOT, 'npm ci');
run(ROOT, 'npm run --silent build:once');
if (!existsSync(join(ROOT, 'client/dist'))) run(ROOT, 'npm run --silent client:build');
if (!existsSync(join(folder, 'node_modules'))) run(folder, 'npm ci');
run(folder, 'npm run --silent build --if-present');
if (existsSync(join(folder, 'compose.yaml')) && DATABASE_URL === undefined) {
  run(folder, 'docker compose up --detach --wait');
}

process.once('exit', killChildren);
['SIGINT', 'SIGTERM', 'SIGHUP'].forEach((signal) =>
  process.once(signal, () => process.exit(128 + constants.signals[signal])),
);

const key = randomBytes(32).toString('base64url');
start(ROOT, process.execPath, ['dist/main.js'], {
  ...clearRealSettings(),
  // What this example needs of the service, such as another provider.
  ...readEnvFile(join(folder, 'service.env')),
  // Production has no sandbox.
  NODE_ENV: 'development',
  PORT: SERVICE_PORT,
  SANDBOX_PORT,
  API_KEYS: `example:${createHash('sha256').update(key).digest('hex')}`,
  LOG_LEVEL: 'warn',
});
await waitUntilReady();
start(folder, 'npm', ['start'], { PORT, OTP_URL: SERVICE_URL, OTP_API_KEY: key });
console.log(`Codes arrive at http://127.0.0.1:${SANDBOX_PORT}. Press Ctrl+C to stop.`);

/** An empty value for each setting of real systems: it wins over `.env` and counts as absent. */
function clearRealSettings() {
  const names = [...Object.keys(readEnvFile(join(ROOT, '.env'))), ...Object.keys(process.env)];
  return Object.fromEntries(
    names.filter((each) => REAL_SETTING.test(each)).map((each) => [each, '']),
  );
}

function readEnvFile(file) {
  return existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
}

/** Runs a command to its end. */
function run(cwd, command) {
  const { status } = spawnSync(command, { cwd, shell: true, stdio: 'inherit' });
  if (status !== 0) stop(`Failed: ${command}`);
}

/** Starts a command that runs as long as this one; if it ends, so does this one. */
function start(cwd, command, args, settings) {
  const env = { ...process.env, ...settings };
  // In a process group of its own: npm may not pass signals on to what it started.
  const options = { cwd, env, detached: true, stdio: ['ignore', 'inherit', 'inherit'] };
  const child = spawn(command, args, options);
  children.push(child);
  child.once('exit', (code, signal) =>
    stop(`Ended${signal ? ` by ${signal}` : ''}: ${command} ${args.join(' ')}`, code ?? 1),
  );
}

/** Ends the processes of every group that was started. */
function killChildren() {
  for (const { pid } of children) {
    try {
      process.kill(-pid);
    } catch {
      // All processes of this group have ended.
    }
  }
}

async function waitUntilReady() {
  for (;;) {
    const response = await fetch(`${SERVICE_URL}/health/ready`).catch(() => undefined);
    if (response?.ok) return;
    await delay(200);
  }
}

function stop(message, code = 1) {
  console.error(message);
  process.exit(code);
}
