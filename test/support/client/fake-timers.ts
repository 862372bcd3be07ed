/** Fakes the timers and clocks that the client uses. */
export function fakeClientTimers(): void {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'hrtime'] });
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Waits for the end of a call. Whenever nothing but a timer can continue it, time passes.
 * @param isBusy whether a request is being answered
 */
export async function settle<Result>(
  call: Promise<Result>,
  isBusy: () => boolean = () => false,
): Promise<PromiseSettledResult<Result>> {
  let result: PromiseSettledResult<Result> | undefined;
  void Promise.allSettled([call]).then(([settled]) => {
    result = settled;
  });
  for (;;) {
    await nextTurn();
    if (result) return result;
    if (!isBusy()) jest.advanceTimersToNextTimer();
  }
}
