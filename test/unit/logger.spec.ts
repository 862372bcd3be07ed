import { AxiosError, AxiosHeaders } from 'axios';
import { NestLogger } from '../../src/observability/nest-logger.js';
import { createLogger } from '../../src/observability/logger.js';
import { MemoryLog } from '../support/log.js';
import { phoneNumber } from '../support/phone-number.js';

const NUMBER = '14155552671';

/** By these names a library, a vendor or a slip would bring along what is nobody's business. */
const TELLING_NAMES = [
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

/** With the request hung on it, as axios does. */
const clientError = () =>
  new AxiosError('failed', 'ERR_BAD_REQUEST', {
    url: `https://vendor.example/${NUMBER}`,
    data: NUMBER,
    headers: new AxiosHeaders({ authorization: NUMBER }),
  });

describe('The logger', () => {
  let log: MemoryLog;
  let logger: ReturnType<typeof createLogger>;

  beforeEach(() => {
    log = new MemoryLog();
    logger = createLogger('trace', log);
  });

  it.each(TELLING_NAMES.flatMap((name) => [name, name.toUpperCase()]))(
    'does not write what is called %s',
    (name) => {
      logger.info({ [name]: NUMBER }, `about ${name}`);

      expect(log.text).toContain(`about ${name}`);
      expect(log.text).not.toContain(NUMBER);
    },
  );

  it.each([
    { request: { headers: { authorization: `Bearer ${NUMBER}` } } },
    { err: { config: { data: NUMBER } } },
    { calls: [{ url: `https://vendor.example/${NUMBER}` }] },
    { a: { b: { c: { d: { e: { f: NUMBER } } } } } },
    { a: [[[[[NUMBER]]]]] },
    { err: clientError() },
    { failure: clientError(), failures: [clientError()] },
    { sent: new AxiosHeaders({ Authorization: `Bearer ${NUMBER}` }) },
    { err: Object.assign(new Error('failed'), { request: NUMBER, config: NUMBER }) },
    { err: new Error('failed', { cause: Object.assign(new Error('deep'), { body: NUMBER }) }) },
    { number: phoneNumber(`+${NUMBER}`), anything: phoneNumber(`+${NUMBER}`) },
  ])('lets nothing through that lies deep, or hangs on an error (%#)', (fields) => {
    logger.info(fields, 'message');

    expect(log.text).toContain('message');
    expect(log.text).not.toContain(NUMBER);
  });

  it('shows what has none', () => {
    logger.warn(
      { route: '/otp/send', nested: { outcome: 'accepted' }, err: new Error('why') },
      'so',
    );

    expect(log.events('so')).toMatchObject([
      {
        level: 'warn',
        route: '/otp/send',
        nested: { outcome: 'accepted' },
        err: { message: 'why' },
      },
    ]);
  });

  it('shows what prints itself as it prints itself', () => {
    logger.info({ whom: phoneNumber(`+${NUMBER}`), when: new Date(0) }, 'times');

    expect(log.events('times')).toMatchObject([
      { whom: '+1415•••2671', when: '1970-01-01T00:00:00.000Z' },
    ]);
  });

  it('shows why an error came about, as far as messages say', () => {
    const cause = new Error('deep', { cause: 'a text' });
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

  it('lets nothing of what the framework logs through but messages', () => {
    const nest = new NestLogger(logger);
    nest.error(Object.assign(clientError(), { said: NUMBER }), 'Speaker');
    nest.warn('a warning', 'Speaker');

    expect(log.text).toContain('"msg":"failed"');
    expect(log.events('a warning')).toMatchObject([{ level: 'warn', context: 'Speaker' }]);
    expect(log.text).not.toContain(NUMBER);
  });
});
