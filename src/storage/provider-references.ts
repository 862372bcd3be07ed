import { Inject, Injectable } from '@nestjs/common';
import { CHANNELS, type Channel } from '../common/channel.js';
import { reportsConfig, type ReportsConfig } from '../config/reports.config.js';
import { DataProtection, type EncryptedValueContext } from './data-protection.js';

/** The message that a reference stands for. */
interface ReferencedMessage {
  readonly pinId: string;
  readonly channel: Channel;
}

/** Without the client and the `pinId`, which are not known when a reference is parsed. */
const CONTEXT: EncryptedValueContext = { purpose: 'provider-reference', client: '', record: [] };

/**
 * References that a provider gets with a message, and repeats when it asks about the message. They
 * are encrypted: the provider learns no `pinId`, and no other program can make a reference. Each
 * has about 100 URL-safe characters and is unique.
 */
@Injectable()
export class ProviderReferences {
  constructor(
    private readonly protection: DataProtection,
    @Inject(reportsConfig.KEY) private readonly config: ReportsConfig,
  ) {}

  /** @returns `undefined` without reports of Sinch, the only provider that repeats references */
  create({ pinId, channel }: ReferencedMessage): string | undefined {
    if (!this.config.sinch) return undefined;
    return this.protection.encrypt([pinId, channel], CONTEXT);
  }

  /** @returns `undefined` if this service did not make the reference */
  parse(reference: string): ReferencedMessage | undefined {
    const value = this.protection.decrypt(reference, CONTEXT, isPinIdAndChannel, ['']);
    if ('outcome' in value) return undefined;
    const [pinId, channel] = value;
    return { pinId, channel };
  }
}

const isPinIdAndChannel = (value: unknown): value is [string, Channel] =>
  Array.isArray(value) &&
  value.length === 2 &&
  typeof value[0] === 'string' &&
  CHANNELS.some((channel) => channel === value[1]);
