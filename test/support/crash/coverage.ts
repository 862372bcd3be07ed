import { isDuring, type Call, type History } from './history.js';

/** How often the load met what a crash can spoil. */
export function measureCoverage({ calls, messages, codeChecks }: History) {
  const count = (wanted: (call: Call) => boolean) => calls.filter(wanted).length;
  const broken = calls.filter(({ response }) => !response);
  const brokenDuring = (events: readonly { phoneNumber: string; at: number }[]) =>
    broken.filter((call) =>
      events.some(({ phoneNumber, at }) => phoneNumber === call.phoneNumber && isDuring(call, at)),
    ).length;
  const refused = (operation: Call['operation'], problem: string) =>
    count((call) => call.operation === operation && call.response?.body.code === problem);
  return {
    brokenCalls: broken.length,
    textsWhoseCallBroke: brokenDuring(messages),
    judgementsWhoseCallBroke: brokenDuring(codeChecks),
    successes: count(({ response }) => response?.body.verified === true),
    replays: count(({ response }) => response?.status === 200 && response.replayed),
    sendsWithUnknownEnd: refused('send', 'provider_timeout'),
    sendsInCooldown: refused('send', 'cooldown_active'),
    sendsOverBudget: refused('send', 'quota_exceeded'),
    codesOverBudget: refused('verify', 'quota_exceeded'),
    codesOutOfAttempts: count(({ response }) => response?.body.reason === 'attempts_exhausted'),
    codesTooLate: count(({ response }) => response?.body.reason === 'expired'),
  };
}
