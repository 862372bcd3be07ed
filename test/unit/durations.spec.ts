import { hours, minutes, parseDuration, seconds } from '../../src/common/durations.js';

describe('parseDuration', () => {
  it.each([
    ['250ms', 250],
    ['30s', seconds(30)],
    ['5m', minutes(5)],
    ['24h', hours(24)],
    ['30d', hours(720)],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '5', 'm', '0s', '-1s', '1.5h', '5 m', '5M', '1h30m', '9999999999d'])(
    'rejects "%s"',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});
