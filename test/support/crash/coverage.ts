import { isDuring, type Call, type History } from './history.js';

/** How often the load met what a crash can spoil. */
export function coverageOf({ calls, texts, judgements }: History) {
  const count = (wanted: (call: Call) => boolean) => calls.filter(wanted).length;
  const broken = calls.filter(({ answer }) => !answer);
  const brokenDuring = (events: readonly { phoneNumber: string; at: number }[]) =>
    broken.filter((call) =>
      events.some(({ phoneNumber, at }) => phoneNumber === call.phoneNumber && isDuring(call, at)),
    ).length;
  const refused = (operation: Call['operation'], problem: string) =>
    count((call) => call.operation === operation && call.answer?.body.code === problem);
  return {
    callsBroken: broken.length,
    textsWhoseCallBroke: brokenDuring(texts),
    judgementsWhoseCallBroke: brokenDuring(judgements),
    successes: count(({ answer }) => answer?.body.verified === true),
    replays: count(({ answer }) => answer?.status === 200 && answer.replayed),
    sendsWithUnknownEnd: refused('send', 'provider_timeout'),
    sendsInCooldown: refused('send', 'cooldown_active'),
    sendsOverBudget: refused('send', 'quota_exceeded'),
    codesOverBudget: refused('verify', 'quota_exceeded'),
    codesOutOfAttempts: count(({ answer }) => answer?.body.reason === 'attempts_exhausted'),
    codesTooLate: count(({ answer }) => answer?.body.reason === 'expired'),
  };
}
