import { isDuring, type Call, type History } from './history.js';

/** How often the test reached each situation that a crash can break. */
export function measureCoverage({ calls, messages, codeChecks }: History) {
  const count = (matches: (call: Call) => boolean) => calls.filter(matches).length;
  const broken = calls.filter(({ response }) => !response);
  const countDuringBroken = (events: readonly { phoneNumber: string; at: number }[]) =>
    broken.filter((call) =>
      events.some(({ phoneNumber, at }) => phoneNumber === call.phoneNumber && isDuring(call, at)),
    ).length;
  const countErrors = (operation: Call['operation'], code: string) =>
    count((call) => call.operation === operation && call.response?.body.code === code);
  return {
    brokenCalls: broken.length,
    messagesDuringBrokenCalls: countDuringBroken(messages),
    codeChecksDuringBrokenCalls: countDuringBroken(codeChecks),
    successes: count(({ response }) => response?.body.verified === true),
    replays: count(({ response }) => response?.status === 200 && response.replayed),
    sendsWithUnknownOutcome: countErrors('send', 'provider_timeout'),
    sendsInCooldown: countErrors('send', 'cooldown_active'),
    sendsOverLimit: countErrors('send', 'quota_exceeded'),
    codesOverLimit: countErrors('verify', 'quota_exceeded'),
    codesWithoutAttempts: count(({ response }) => response?.body.reason === 'attempts_exhausted'),
    expiredCodes: count(({ response }) => response?.body.reason === 'expired'),
  };
}
