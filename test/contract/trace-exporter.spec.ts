import { Logger } from '@nestjs/common';
import { createLogger } from '../../src/observability/logger.js';
import { NestLogger } from '../../src/observability/nest-logger.js';
import { createTracerProvider } from '../../src/observability/tracer-provider.js';
import { MemoryLog } from '../support/memory-log.js';
import { startOtlpCollector } from '../support/otlp-collector.js';

describe('The exporter of traces', () => {
  afterEach(() => {
    Logger.overrideLogger(true);
  });

  it('logs that the collector rejects traces once, and once that it accepts them again', async () => {
    const log = new MemoryLog();
    Logger.overrideLogger(new NestLogger(createLogger('info', log)));
    let status = 200;
    const collector = await startOtlpCollector(() => status);
    const provider = createTracerProvider({
      endpoint: collector.url,
      headers: [['authorization', 'Bearer abc']],
      serviceName: 'otp-service',
      sampleRatio: 1,
    });
    for (status of [401, 400, 200, 200, 401]) {
      provider.getTracer('test').startSpan('span').end();
      await provider.forceFlush().catch(() => undefined);
    }
    await provider.shutdown();
    await collector.close();

    expect(log.lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'error', msg: 'Traces cannot be exported and are dropped: status 401' },
      { level: 'warn', msg: 'Traces are exported again.' },
      { level: 'error', msg: 'Traces cannot be exported and are dropped: status 401' },
    ]);
  });
});
