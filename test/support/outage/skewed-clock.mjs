import { env } from 'node:process';

/*
 * Run first (`node --import`), it sets the wall clock of a process off by CLOCK_SKEW_MS: a machine
 * whose clock is wrong. The monotonic clock stays as it is, as it does there.
 */
const skewMs = Number(env.CLOCK_SKEW_MS);
const trueNow = Date.now;

Date.now = () => trueNow() + skewMs;

/** Dates of their own time are as they were; one of no given time is that of the wrong clock. */
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget),
});
