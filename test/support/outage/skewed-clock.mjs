import process, { env } from 'node:process';

/*
 * Loaded first (`node --import`), it shifts the wall clock of the process by CLOCK_SKEW_MS, like a
 * machine whose clock is wrong. On SIGUSR2 it sets the clock back by CLOCK_STEP_MS, and says so on
 * standard error. The monotonic clock stays right, as on such a machine.
 */
let skewMs = Number(env.CLOCK_SKEW_MS ?? 0);
const trueNow = Date.now;

Date.now = () => trueNow() + skewMs;
process.on('SIGUSR2', () => {
  skewMs -= Number(env.CLOCK_STEP_MS);
  process.stderr.write('The clock was set back.\n');
});

/** A date with arguments is unchanged; one without arguments takes the wrong clock's time. */
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget),
});
