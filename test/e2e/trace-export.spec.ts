import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { startOtlpCollector, type OtlpCollector } from '../support/otlp-collector.js';
import { runConcurrently } from '../support/providers/pooled-client.js';
import { startReplica, type Replica } from '../support/replica.js';
import { scaleTimeLimit } from '../support/time-scale.js';

/** Prints at exit how many OpenTelemetry modules are loaded. The API package does not count: prom-client uses it. */
const PRINT_MODULES = `data:text/javascript,${encodeURIComponent(`
  import { createRequire } from 'node:module';
  import { writeSync } from 'node:fs';
  const { cache } = createRequire('/');
  process.on('exit', () => {
    const modules = Object.keys(cache).filter((path) => /@opentelemetry.(?!api.)/.test(path));
    writeSync(1, 'modules of OpenTelemetry: ' + modules.length + '\\n');
  });
`)}`;

/** More spans than one batch of the exporter has, so that the export starts at once. */
const SPANS = 600;

let sandbox: Sandbox;
let collector: OtlpCollector;
let replica: Replica;
let dataDir: string;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'otp-traces-'));
  sandbox = await startSandbox({ port: 0 });
});

afterEach(async () => {
  await replica.kill();
  await collector.close();
  await sandbox.close();
  rmSync(dataDir, { recursive: true });
});

async function start(settings: NodeJS.ProcessEnv = {}): Promise<void> {
  const base = { NODE_ENV: 'test', INFOBIP_BASE_URL: sandbox.url, DATA_DIR: dataDir };
  replica = await startReplica({ ...base, ...settings }, { preload: PRINT_MODULES });
}

const send = (phoneNumber: string) => replica.http.post('/otp/send').send({ phoneNumber });

describe('The export of traces', () => {
  it('loads no module of OpenTelemetry without a collector', async () => {
    collector = await startOtlpCollector();
    await start();
    await send('+14155552671').expect(200);
    await replica.stop();

    expect(replica.output).toContain('modules of OpenTelemetry: 0\n');
  });

  it('is complete before the process ends', async () => {
    collector = await startOtlpCollector();
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    await send('+14155552671').expect(200);
    await replica.stop();

    expect(replica.output).toMatch(/modules of OpenTelemetry: [1-9]/);
    expect(await replica.ended()).toBe(0);
    expect(collector.spans).toHaveLength(4);
  });

  it('delays neither a request nor the shutdown if the collector never answers', async () => {
    collector = await startOtlpCollector(() => undefined);
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    await runConcurrently(SPANS, 20, async () => {
      await (await fetch(`${replica.url}/nowhere`)).arrayBuffer();
    });
    while (collector.requests.length === 0) await delay(10);
    const sentAt = performance.now();
    await send('+14155552671').expect(200);
    const stoppedAt = performance.now();
    await replica.stop();

    // An export has ten seconds.
    expect(stoppedAt - sentAt).toBeLessThan(scaleTimeLimit(2_000));
    expect(performance.now() - stoppedAt).toBeLessThan(scaleTimeLimit(5_000));
    expect(await replica.ended()).toBe(0);
    expect(replica.output).not.toContain('shutdown timed out');
    expect(replica.output).toContain('The last traces were not exported.');
  });
});
