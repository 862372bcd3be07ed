import { Inject, Injectable } from '@nestjs/common';
import type { DeliveryStatus } from '../../common/delivery-status.js';
import { PhoneNumber } from '../../common/phone-number.js';
import { providersConfig, type ProvidersConfig } from '../../config/providers.config.js';
import { reportsConfig, type ReportsConfig } from '../../config/reports.config.js';
import type { RequestedMessage } from '../../storage/delivery-report-store.js';
import { toMessagePrice } from '../message-price.js';
import {
  parseJsonObject,
  toMessageId,
  type ReportedDeliveries,
  type ReportReader,
  type ReportRequest,
  type SendPermissionRequest,
} from '../report-reader.js';
import { findCallbackRefusal } from './sinch.callback-signature.js';
import { findChannel } from './sinch.methods.js';
import type { SinchCallback } from './sinch.types.js';

/** Reads the callbacks of a Verification application: each request has one event. */
@Injectable()
export class SinchCallbackReader implements ReportReader {
  readonly provider = 'sinch';
  readonly authScheme = 'Application';

  constructor(
    @Inject(reportsConfig.KEY) private readonly reports: ReportsConfig,
    @Inject(providersConfig.KEY) private readonly providers: ProvidersConfig,
  ) {}

  findRefusal(request: ReportRequest): 'signature' | 'stale' | undefined {
    const { sinch: report } = this.reports;
    const { sinch: account } = this.providers;
    if (!report || !account) return 'signature';
    // Not `Clock`, which may differ from the wall clock: Sinch signs the time of its wall clock.
    const callback = { ...request, path: report.path };
    return findCallbackRefusal(callback, account.applications, Date.now());
  }

  parse(body: Buffer): ReportedDeliveries | SendPermissionRequest | undefined {
    const callback: SinchCallback | undefined = parseJsonObject(body);
    const messageId = toMessageId(callback?.id);
    if (!callback || messageId === undefined || typeof callback.event !== 'string')
      return undefined;
    if (callback.event === 'VerificationRequestEvent')
      return toPermissionRequest(callback, messageId);
    const status = toDeliveryStatus(callback);
    return {
      type: 'reports',
      reports: status ? [{ messageId, status }] : [],
      malformed: 0,
      verifiedReference: isVerifiedEvent(callback) ? toText(callback.reference) : undefined,
    };
  }
}

function toPermissionRequest(callback: SinchCallback, messageId: string): SendPermissionRequest {
  const price = toMessagePrice(callback.price?.amount, callback.price?.currencyId);
  const reports = price ? [{ messageId, status: 'pending' as const, price }] : [];
  return { type: 'permission_request', message: toMessage(callback), reports };
}

function toMessage({ reference, method, identity }: SinchCallback): RequestedMessage | undefined {
  const channel = findChannel(method);
  const number = identity?.endpoint;
  if (!channel || typeof reference !== 'string' || !PhoneNumber.isE164(number)) return undefined;
  return { reference, channel, phoneNumber: PhoneNumber.fromE164(number) };
}

/** Whether the event says that Sinch verified a code. */
const isVerifiedEvent = ({ event, status }: SinchCallback): boolean =>
  event === 'VerificationResultEvent' && toLowerCase(status) === 'successful';

/** Our status for an event; `undefined` if the event says nothing about delivery. */
function toDeliveryStatus(callback: SinchCallback): DeliveryStatus | undefined {
  switch (callback.event) {
    case 'VerificationSmsDeliveredEvent':
      return SMS_RESULTS.get(toLowerCase(callback.smsResult)) ?? 'unknown';
    case 'VerificationResultEvent':
      return toResultStatus(toLowerCase(callback.status), toLowerCase(callback.reason));
    default:
      return undefined;
  }
}

const SMS_RESULTS: ReadonlyMap<string, DeliveryStatus> = new Map([
  ['successful', 'delivered'],
  ['failed', 'unreachable'],
]);

const DENIED_REASONS: ReadonlyMap<string, DeliveryStatus> = new Map([
  ['fraud', 'blocked'],
  ['blocked', 'blocked'],
  ['not enough credit', 'no_credit'],
]);

const ERROR_REASONS: ReadonlyMap<string, DeliveryStatus> = new Map([
  ['sms delivery failure', 'unreachable'],
  ['network error or number unreachable', 'unreachable'],
]);

function toResultStatus(status: string, reason: string): DeliveryStatus | undefined {
  switch (status) {
    // The end user entered the code, so the message arrived.
    case 'successful':
      return 'delivered';
    case 'denied':
      return DENIED_REASONS.get(reason) ?? 'rejected';
    case 'error':
      return ERROR_REASONS.get(reason) ?? 'unknown';
    default:
      return undefined;
  }
}

/** Sinch's API mixes upper and lower case. */
const toLowerCase = (word: unknown): string => toText(word).toLowerCase();

const toText = (value: unknown): string => (typeof value === 'string' ? value : '');
