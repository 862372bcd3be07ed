import type { INestApplicationContext } from '@nestjs/common';
import { ClientDirectory } from '../clients/client-directory.js';
import type { CheckResult } from '../common/check-result.js';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { EventBus } from '../common/events.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { ProviderName } from '../common/provider-name.js';
import { toAsciiText } from '../common/typed-text.js';
import { reportsConfig, type ReportsConfig } from '../config/reports.config.js';
import { NumberPolicy } from '../destinations/number-policy.js';
import { errorFinding, okFinding, type AccountFinding } from '../providers/account-check.js';
import { ProviderRouter } from '../providers/provider-router.js';
import { askQuestion } from './ask-question.js';
import { collectFailedCalls, describeFailedCalls, PRODUCT_NAMES } from './failed-calls.js';

const CHANNEL = 'sms';

const OTHER_NUMBER = 'Give the number of a phone that you have.';
const CHANGE_POLICY =
  'Give another number, or change ALLOWED_COUNTRIES, BLOCKED_NUMBER_TYPES, BLOCKED_PREFIXES or NUMBER_CHECK.';
const NO_TERMINAL = errorFinding(
  'send',
  'No message was sent, because stdin is not a terminal: you have to enter the code.',
  'Run this at a terminal; in a container, with docker run -it or kubectl exec -it.',
);

const RESULT_PHRASES: Readonly<Record<Exclude<CheckResult, 'verified'>, string>> = {
  wrong_code: 'says that this code is wrong',
  wrong_code_final: 'says that this code is wrong',
  expired: 'says that this code has expired',
  attempts_exhausted: 'accepts no code for this message any more',
};

/**
 * Sends a code as the service does, with failover, and verifies what the operator enters. Opens no
 * database, so the message does not count against the limits of the service.
 */
export async function checkSend(
  context: INestApplicationContext,
  enteredNumber: PhoneNumber,
): Promise<AccountFinding[]> {
  const number = enteredNumber.forChannel(CHANNEL);
  const obstacle = findObstacle(context, number);
  if (obstacle) return [obstacle];
  const failedCalls = collectFailedCalls(context.get(EventBus));
  const reports = context.get<ReportsConfig>(reportsConfig.KEY);
  const router = context.get(ProviderRouter);
  const send = router.send(number, CHANNEL, { isTestNumber: false });
  const providerPin = await catchFailedCalls(send, failedCalls);
  if (!providerPin) return describeFailedCalls(failedCalls, 'error', reports);

  const name = PRODUCT_NAMES[providerPin.provider as ProviderName];
  const findings = [
    // The calls that failed before this provider accepted the message.
    ...describeFailedCalls(failedCalls, 'warning', reports),
    okFinding('send', `${name} accepted the message.`),
  ];
  failedCalls.clear();
  const code = await askForCode(`${name} accepted the message. Code (empty if none arrives): `);
  if (code === '') return [...findings, createNoCodeFinding(name)];
  const result = await catchFailedCalls(router.verify(number, providerPin, code), failedCalls);
  return result
    ? [...findings, describeResult(name, result)]
    : [...findings, ...describeFailedCalls(failedCalls, 'error', reports)];
}

/** @returns the result; `undefined` if the operation failed because provider calls failed */
async function catchFailedCalls<T>(
  operation: Promise<T>,
  failedCalls: ReadonlyMap<string, unknown>,
): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    if (error instanceof DomainError && failedCalls.size > 0) return undefined;
    throw error;
  }
}

/**
 * Finds why the number can get no message, or why the operator cannot enter a code.
 * @returns `undefined` if nothing prevents the check
 */
function findObstacle(
  context: INestApplicationContext,
  number: PhoneNumber,
): AccountFinding | undefined {
  try {
    const now = context.get(Clock).now();
    const { destinations } = context.get(ClientDirectory, { strict: false }).defaults;
    const { isTestNumber } = context.get(NumberPolicy).check(number, CHANNEL, destinations, now);
    if (isTestNumber)
      return errorFinding(
        'number',
        'The number is in TEST_NUMBERS: it gets no message.',
        OTHER_NUMBER,
      );
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const reason = error.fieldErrors?.[0]?.detail ?? error.message;
    return errorFinding('number', `No message was sent. ${reason}`, CHANGE_POLICY);
  }
  return process.stdin.isTTY ? undefined : NO_TERMINAL;
}

/** @returns the code without spaces and hyphens; empty if none was entered */
async function askForCode(question: string): Promise<string> {
  // Standard output is for the findings only, so the question goes to standard error.
  const code = await askQuestion(question, process.stderr);
  return toAsciiText(code).replace(/[ -]/g, '');
}

const createNoCodeFinding = (name: string): AccountFinding =>
  errorFinding(
    'message',
    `${name} accepted the message, but no code was entered.`,
    'If no message arrived, search for the number in the delivery log of the provider.',
  );

function describeResult(name: string, result: CheckResult): AccountFinding {
  if (result === 'verified') return okFinding('verify', `${name} verified the code.`);
  return errorFinding(
    'verify',
    `${name} ${RESULT_PHRASES[result]}.`,
    'Run this again and enter the new code.',
  );
}
