/** Fakes the timers and clocks that the client uses. */
export function fakeClientTimers(): void {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'hrtime'] });
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Waits until a call ends. Advances the fake timers whenever the call waits only for them.
 * @param isBusy whether one of the call's requests is being answered
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
