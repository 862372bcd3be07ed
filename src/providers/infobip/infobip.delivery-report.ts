import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { DeliveryReport } from '../../common/delivery-report.js';
import { reportsConfig, type ReportsConfig } from '../../config/reports.config.js';
import { toMessagePrice } from '../message-price.js';
import {
  parseJsonObject,
  toMessageId,
  toObject,
  type ReportedDeliveries,
  type ReportReader,
  type ReportRequest,
} from '../report-reader.js';
import { toDeliveryStatus } from './infobip.delivery-statuses.js';
import { isTokenValid, isHmacValid } from './infobip.report-signature.js';
import type { InfobipDeliveryReport } from './infobip.types.js';

/** The header with the token: part of the subscription's profile at Infobip, and sent in each request. */
const TOKEN_HEADER = 'x-delivery-token';

/** Reads the requests of Infobip's Subscriptions: each reports the delivery of many messages. */
@Injectable()
export class InfobipReportReader implements ReportReader, OnModuleInit {
  readonly provider = 'infobip';
  readonly authScheme = 'DeliveryToken';
  private readonly logger = new Logger(InfobipReportReader.name);

  constructor(@Inject(reportsConfig.KEY) private readonly config: ReportsConfig) {}

  onModuleInit(): void {
    const { infobip } = this.config;
    if (!infobip || infobip.hmac) return;
    this.logger.log(
      'Delivery reports of Infobip are authenticated by their token alone. ' +
        'Set INFOBIP_REPORT_HMAC_SECRET and INFOBIP_REPORT_HMAC_HEADER to require a signature too.',
    );
  }

  /** @returns `signature` for a wrong token too */
  findRefusal({ headers, body }: ReportRequest): 'signature' | undefined {
    const { infobip } = this.config;
    if (!infobip || !isTokenValid(headers[TOKEN_HEADER], infobip.tokens)) return 'signature';
    const { hmac } = infobip;
    return !hmac || isHmacValid(headers[hmac.header], body, hmac.secrets) ? undefined : 'signature';
  }

  parse(body: Buffer): ReportedDeliveries | undefined {
    const results = parseJsonObject(body)?.['results'];
    if (!Array.isArray(results)) return undefined;
    const reports = results.flatMap((entry) => toDeliveryReport(toObject(entry)) ?? []);
    return { type: 'reports', reports, malformed: results.length - reports.length };
  }
}

/** @returns `undefined` if the entry has no message id */
function toDeliveryReport(entry: InfobipDeliveryReport = {}): DeliveryReport | undefined {
  const messageId = toMessageId(entry.messageId);
  if (messageId === undefined) return undefined;
  const { status, error, price, messageCount, smsCount } = entry;
  return {
    messageId,
    status: toDeliveryStatus(toObject(status), toObject(error)),
    statusAt: parseTime(entry.doneAt),
    price: toMessagePrice(price?.pricePerMessage, price?.currency, messageCount ?? smsCount),
  };
}

/**
 * Milliseconds since the epoch; `undefined` for an invalid time. `Date.parse` also accepts Infobip's
 * zone without a colon: `+0000`.
 */
function parseTime(text: unknown): number | undefined {
  const time = typeof text === 'string' ? Date.parse(text) : NaN;
  return time > 0 ? time : undefined;
}
