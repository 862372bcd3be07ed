import { env } from 'node:process';

/*
 * Loaded first (`node --import`), it shifts the wall clock of the process by CLOCK_SKEW_MS, like a
 * machine whose clock is wrong. The monotonic clock stays right, as on such a machine.
 */
const skewMs = Number(env.CLOCK_SKEW_MS);
const trueNow = Date.now;

Date.now = () => trueNow() + skewMs;

/** A date with arguments is unchanged; one without arguments takes the wrong clock's time. */
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget),
});
