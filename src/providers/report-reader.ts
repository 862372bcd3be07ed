import type { IncomingHttpHeaders } from 'node:http';
import type { DeliveryReport } from '../common/delivery-report.js';
import type { ReportRefusal } from '../common/label-values.js';
import type { ProviderName } from '../common/provider-name.js';
import type { RequestedMessage } from '../storage/delivery-report-store.js';

/** A request of a provider to a report route. */
export interface ReportRequest {
  readonly headers: IncomingHttpHeaders;
  /** The raw bytes, because signatures are over them. */
  readonly body: Buffer;
}

/** The delivery reports of one request. */
export interface ReportedDeliveries {
  readonly type: 'reports';
  readonly reports: readonly DeliveryReport[];
  /** The number of entries that cannot be parsed. */
  readonly malformed: number;
  /** The reference of a message whose code the provider verified, if the request reports that. */
  readonly verifiedReference?: string | undefined;
}

/** The provider asks whether it may send a message. */
export interface SendPermissionRequest {
  readonly type: 'permission_request';
  /** `undefined` for a message that this service never sends. */
  readonly message: RequestedMessage | undefined;
  /** A report with the price of the message, if the provider states a price. */
  readonly reports: readonly DeliveryReport[];
}

/** Authenticates and parses the reports of one provider. Maps its statuses to `DeliveryStatus`. */
export abstract class ReportReader {
  abstract readonly provider: ProviderName;

  /** The authentication scheme that a 401 names in `WWW-Authenticate` (RFC 9110 §11.1). */
  abstract readonly authScheme: string;

  /** Why a request is not authentic; `undefined` if it is. Does not parse the body. */
  abstract findRefusal(
    request: ReportRequest,
  ): Extract<ReportRefusal, 'signature' | 'stale'> | undefined;

  /** Parses the body of an authentic request; `undefined` if it cannot be parsed. */
  abstract parse(body: Buffer): ReportedDeliveries | SendPermissionRequest | undefined;
}

/** Injection token of the readers of both providers, by provider name. */
export const REPORT_READERS = Symbol('report readers');
export type ReportReaders = Readonly<Record<ProviderName, ReportReader>>;

/** @returns the JSON object in a body; `undefined` for anything else */
export function parseJsonObject(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    return toObject(JSON.parse(body.toString()));
  } catch {
    return undefined;
  }
}

/** @returns `undefined` for a value that is no object */
export const toObject = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null ? { ...value } : undefined;

const MAX_ID_LENGTH = 512;

/** @returns the id of a message; `undefined` for a value that is none */
export const toMessageId = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH ? value : undefined;
