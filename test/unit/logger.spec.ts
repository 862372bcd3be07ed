import { createLogger } from '../../src/observability/logger.js';
import { MemoryLog } from '../support/log.js';
import { phoneNumber } from '../support/phone-number.js';

const NUMBER = '14155552671';

describe('The logger', () => {
  const log = new MemoryLog();
  const logger = createLogger('trace', log);

  it.each([
    { phoneNumber: `+${NUMBER}` },
    { otpCode: NUMBER },
    { request: { headers: { authorization: `Bearer ${NUMBER}` } } },
    { err: { config: { data: NUMBER } } },
    { calls: [{ url: `https://vendor.example/${NUMBER}` }] },
    { a: { b: { c: { d: { e: { f: NUMBER } } } } } },
    { err: Object.assign(new Error('failed'), { request: NUMBER, config: NUMBER }) },
    { err: new Error('failed', { cause: Object.assign(new Error('deep'), { body: NUMBER }) }) },
    { number: phoneNumber(`+${NUMBER}`), anything: phoneNumber(`+${NUMBER}`) },
  ])('lets nothing through that has a telling name (%#)', (fields) => {
    logger.info(fields, 'message');

    expect(log.text).toContain('message');
    expect(log.text).not.toContain(NUMBER);
  });

  it('shows what has none', () => {
    logger.warn({ route: '/otp/send', nested: { outcome: 'taken' }, err: new Error('why') }, 'so');

    expect(log.events('so')).toMatchObject([
      { level: 'warn', route: '/otp/send', nested: { outcome: 'taken' }, err: { message: 'why' } },
    ]);
  });
});
