import { alertTest, runPromtool, type ExpectedAlerts } from '../support/alerts.js';
import {
  counterValues,
  replicas,
  requests,
  type MetricSeries,
} from '../support/simulated-metrics.js';

/** Requests a minute in each hour of a day, as a shop has them. */
const REQUESTS_BY_HOUR = [
  0.07, 0.07, 0.07, 0.07, 0.07, 2, 8, 20, 45, 60, 70, 75, 80, 75, 70, 70, 75, 85, 95, 100, 80, 50,
  25, 8,
];
const MINUTES_OF_DAY = 24 * 60;

/** Whether this minute is in the interval of hours, counted from the first midnight. */
const isIn = (minute: number, fromHour: number, toHour: number): boolean =>
  minute > fromHour * 60 && minute <= toHour * 60;

/** Requests of whole days. `failing` returns the share of them that fails in a minute. */
function recordedRequests(days: number, failing: (minute: number) => number): MetricSeries {
  const minutes = days * MINUTES_OF_DAY;
  const perMinute = (minute: number): number =>
    REQUESTS_BY_HOUR[Math.floor(((minute - 1) % MINUTES_OF_DAY) / 60)] ?? 0;
  return {
    ...replicasFor(minutes),
    ...requests(
      'ok',
      counterValues(minutes, (minute) => perMinute(minute) * (1 - failing(minute))),
    ),
    ...requests(
      'failed',
      counterValues(minutes, (minute) => perMinute(minute) * failing(minute)),
    ),
  };
}

/** Replicas that are there all the time, so that only alerts on requests fire. */
const replicasFor = (minutes: number): MetricSeries =>
  Object.fromEntries(Object.keys(replicas()).map((key) => [key, `1x${minutes}`]));

/** The alert that pages. */
const FAST = { alert: 'OtpErrorBudgetBurnsFast' };
/** The alert that makes a ticket. */
const SLOW = { alert: 'OtpErrorBudgetBurnsSlowly' };
const quiet = (...times: string[]): ExpectedAlerts[] => times.map((at) => ({ at, firing: [] }));

describe('Alerts on the error budget', () => {
  const run = (metrics: MetricSeries, ...expected: ExpectedAlerts[]) =>
    runPromtool([alertTest('recorded hours', metrics, expected)], 5);

  it('page within ten minutes of an outage, and end half an hour after it', () =>
    run(
      recordedRequests(1, (minute) => (isIn(minute, 18, 18.5) ? 0.5 : 0)),
      ...quiet('18h'),
      { at: '18h10m', firing: [FAST, SLOW] },
      { at: '18h30m', firing: [FAST, SLOW] },
      // The ticket stays: a day with half an hour like this uses the budget of a month.
      { at: '19h5m', firing: [SLOW] },
    ));

  it('do not page for an error share of 20 % that lasts two minutes', () =>
    run(
      // 0.034 hours are two minutes.
      recordedRequests(1, (minute) => (isIn(minute, 18, 18.034) ? 0.2 : 0)),
      ...quiet('18h', '18h5m', '18h10m', '19h', '20h'),
    ));

  it('page for an error share of 1 % that lasts hours', () =>
    run(
      recordedRequests(1, (minute) => (isIn(minute, 12, 24) ? 0.01 : 0)),
      ...quiet('12h'),
      { at: '13h', firing: [SLOW] },
      { at: '18h', firing: [FAST, SLOW] },
    ));

  it('make a ticket for an error share of 0.4 % that lasts a day, and do not page', () =>
    run(
      recordedRequests(2, (minute) => (isIn(minute, 24, 48) ? 0.004 : 0)),
      ...quiet('24h'),
      { at: '46h', firing: [SLOW] },
    ));

  it('make a ticket for an error share of 0.15 % that lasts three days', () =>
    run(
      recordedRequests(3, () => 0.0015),
      { at: '70h', firing: [SLOW] },
    ));

  it('are quiet at an error share of 0.05 % on three days', () =>
    run(
      recordedRequests(3, () => 0.0005),
      ...quiet('20h', '40h', '70h'),
    ));

  it('do not page at night until ten requests failed', () =>
    run(
      recordedRequests(1, (minute) => (isIn(minute, 0, 4) ? 1 : 0)),
      ...quiet('1h', '2h'),
      { at: '4h', firing: [FAST, SLOW] },
    ));
});
