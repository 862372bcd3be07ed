import { tracingConfig } from '../../src/config/tracing.config.js';
import { testEnvironment } from '../support/config.js';

const readTracing = (variables: NodeJS.ProcessEnv) => tracingConfig(testEnvironment(variables));

describe('The settings of traces', () => {
  it.each([
    ['http://otel-collector:4318', 'http://otel-collector:4318'],
    ['https://collector.example.com/otlp/', 'https://collector.example.com/otlp'],
  ])('accept the collector %s', (url, endpoint) => {
    expect(readTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: url })).toMatchObject({ endpoint });
  });

  it.each([
    ['otel-collector:4318', 'must be an http or https URL'],
    ['grpc://otel-collector:4317', 'must be an http or https URL'],
    ['https://user:password@collector.example.com', 'must have no user and no password'],
    ['https://collector.example.com/?key=abc', 'must have no query and no fragment'],
  ])('reject the collector %s', (url, rule) => {
    expect(() => readTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: url })).toThrow(
      `OTEL_EXPORTER_OTLP_ENDPOINT ${rule}`,
    );
  });

  it('read headers with percent-encoded values', () => {
    const headers = ' authorization = Bearer%20a%3Db=, x-scope=otp ';

    expect(readTracing({ OTEL_EXPORTER_OTLP_HEADERS: headers }).headers).toEqual([
      ['authorization', 'Bearer a=b='],
      ['x-scope', 'otp'],
    ]);
  });

  it.each(['key', '=value', 'key=', 'a b=value', 'key=%0d%0aother:%20value', 'key=%zz', 'a=b,'])(
    'reject the headers %p',
    (headers) => {
      expect(() => readTracing({ OTEL_EXPORTER_OTLP_HEADERS: headers })).toThrow(
        'OTEL_EXPORTER_OTLP_HEADERS must be entries like name=value',
      );
    },
  );

  it.each(['-0.1', '1.1', 'always_on'])('reject the share %p of requests', (ratio) => {
    expect(() => readTracing({ OTEL_TRACES_SAMPLER_ARG: ratio })).toThrow(
      'OTEL_TRACES_SAMPLER_ARG',
    );
  });

  it('are suggested for misspelt variables, but not for other OpenTelemetry variables', () => {
    const { warnings } = testEnvironment({
      OTEL_EXPORTER_OTLP_ENDPOIN: 'http://otel-collector:4318',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    });

    expect(warnings).toEqual([
      'OTEL_EXPORTER_OTLP_ENDPOIN is not a setting: did you mean OTEL_EXPORTER_OTLP_ENDPOINT?',
    ]);
  });
});
