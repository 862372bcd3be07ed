import { AxiosError, AxiosHeaders } from 'axios';
import { NestLogger } from '../../src/observability/nest-logger.js';
import { createLogger } from '../../src/observability/logger.js';
import { MemoryLog } from '../support/memory-log.js';
import { phoneNumber } from '../support/phone-number.js';

const NUMBER = '14155552671';

/** Names of fields by which a library or a mistake could log personal data or secrets. */
const SENSITIVE_NAMES = [
  'phoneNumber',
  'to',
  'msisdn',
  'number',
  'endpoint',
  'identity',
  'otpCode',
  'pin',
  'providerPinId',
  'reference',
  'endUserIp',
  'authorization',
  'idempotency-key',
  'proof',
  'apiKey',
  'applicationSecret',
  'password',
  'secret',
  'url',
  'body',
  'data',
  'headers',
  'config',
];

/** An error with the request attached, as axios throws it. */
const clientError = () =>
  new AxiosError('failed', 'ERR_BAD_REQUEST', {
    url: `https://provider.example/${NUMBER}`,
    data: NUMBER,
    headers: new AxiosHeaders({ authorization: NUMBER }),
  });

describe('createLogger', () => {
  let log: MemoryLog;
  let logger: ReturnType<typeof createLogger>;

  beforeEach(() => {
    log = new MemoryLog();
    logger = createLogger('trace', log);
  });

  it.each(SENSITIVE_NAMES.flatMap((name) => [name, name.toUpperCase()]))(
    'redacts the field %s',
    (name) => {
      logger.info({ [name]: NUMBER }, `about ${name}`);

      expect(log.text).toContain(`about ${name}`);
      expect(log.text).not.toContain(NUMBER);
    },
  );

  it.each([
    { request: { headers: { authorization: `Bearer ${NUMBER}` } } },
    { err: { config: { data: NUMBER } } },
    { calls: [{ url: `https://provider.example/${NUMBER}` }] },
    { a: { b: { c: { d: { e: { f: NUMBER } } } } } },
    { a: [[[[[NUMBER]]]]] },
    { err: clientError() },
    { failure: clientError(), failures: [clientError()] },
    { sent: new AxiosHeaders({ Authorization: `Bearer ${NUMBER}` }) },
    { err: Object.assign(new Error('failed'), { request: NUMBER, config: NUMBER }) },
    { err: new Error('failed', { cause: Object.assign(new Error('deep'), { body: NUMBER }) }) },
    { number: phoneNumber(`+${NUMBER}`), anything: phoneNumber(`+${NUMBER}`) },
  ])('redacts nested values and the properties of errors (%#)', (fields) => {
    logger.info(fields, 'message');

    expect(log.text).toContain('message');
    expect(log.text).not.toContain(NUMBER);
  });

  it('writes fields that contain no personal data', () => {
    logger.warn(
      { route: '/otp/send', nested: { outcome: 'accepted' }, err: new Error('why') },
      'message',
    );

    expect(log.events('message')).toMatchObject([
      {
        level: 'warn',
        route: '/otp/send',
        nested: { outcome: 'accepted' },
        err: { message: 'why' },
      },
    ]);
  });

  it('writes a phone number masked and a date in ISO format', () => {
    logger.info({ recipient: phoneNumber(`+${NUMBER}`), when: new Date(0) }, 'times');

    expect(log.events('times')).toMatchObject([
      { recipient: '+1415•••2671', when: '1970-01-01T00:00:00.000Z' },
    ]);
  });

  it('writes an error that is its own cause', () => {
    const error = new Error('failed');
    error.cause = error;
    logger.error({ err: error }, 'circular');

    expect(log.events('circular')).toMatchObject([{ err: { cause: { message: 'failed' } } }]);
  });

  it('writes the messages of an error and of its cause', () => {
    const cause = new Error('deep', { cause: 'a string' });
    logger.error({ err: new TypeError('why', { cause }) }, 'caused');

    expect(log.events('caused')).toMatchObject([
      {
        err: {
          type: 'TypeError',
          message: 'why',
          stack: expect.stringContaining('TypeError: why'),
          cause: { type: 'Error', message: 'deep', cause: { type: 'string' } },
        },
      },
    ]);
  });

  it('writes only the message of an error that the framework logs', () => {
    const nest = new NestLogger(logger);
    nest.error(Object.assign(clientError(), { detail: NUMBER }), 'Component');
    nest.warn('a warning', 'Component');

    expect(log.text).toContain('"msg":"failed"');
    expect(log.events('a warning')).toMatchObject([{ level: 'warn', context: 'Component' }]);
    expect(log.text).not.toContain(NUMBER);
  });
});
