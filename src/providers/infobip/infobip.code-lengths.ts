import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { ClientDirectory } from '../../clients/client-directory.js';
import { MAX_CODE_LENGTH, MIN_CODE_LENGTH } from '../../common/code-length.js';
import { minutes } from '../../common/durations.js';
import { providersConfig, type ProvidersConfig } from '../../config/providers.config.js';
import { InfobipAccountApi, toTemplatesPath } from './infobip.account-api.js';
import { listTemplateIds } from './infobip.template.js';
import type { InfobipTemplate } from './infobip.types.js';

/** A short interval: if a template's code length changes, its codes are rejected until the next read. */
const READ_INTERVAL_MS = minutes(1);

/**
 * The lengths of the codes of the message templates. Infobip states a length only in the template. The
 * templates are read in the background: neither the start nor a send waits for them.
 */
@Injectable()
export class InfobipCodeLengths implements OnApplicationBootstrap, OnModuleDestroy {
  /** By template id. */
  private readonly lengths = new Map<string, number | undefined>();
  private readonly shutdown = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly api: InfobipAccountApi,
    @Inject(providersConfig.KEY) private readonly config: ProvidersConfig,
    private readonly directory: ClientDirectory,
  ) {}

  onApplicationBootstrap(): void {
    void this.read();
    this.timer = setInterval(() => void this.read(), READ_INTERVAL_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    this.shutdown.abort();
  }

  /** How many digits the template's codes have; `undefined` if unknown, or if codes may have letters. */
  find(templateId: string): number | undefined {
    return this.lengths.get(templateId);
  }

  /** Reads the templates of the settings and of every client. */
  async read(): Promise<void> {
    const { infobip } = this.config;
    if (!infobip) return;
    const clientTemplates = this.directory.clients.flatMap(({ rules }) => rules.templates ?? []);
    const templateIds = new Set([infobip, ...clientTemplates].flatMap(listTemplateIds));
    const path = toTemplatesPath(infobip.applicationId);
    await Promise.all([...templateIds].map((templateId) => this.readTemplate(path, templateId)));
  }

  /** If the call fails, the length is unknown, and the check of the account reports why. */
  private async readTemplate(path: string, templateId: string): Promise<void> {
    const { signal } = this.shutdown;
    const template = await this.api.find(path, templateId, signal).catch(() => undefined);
    this.lengths.set(templateId, template && getCodeLength(template));
  }
}

function getCodeLength({ pinType, pinLength }: InfobipTemplate): number | undefined {
  if (pinType !== 'NUMERIC' || !Number.isInteger(pinLength)) return undefined;
  const length = Number(pinLength);
  return length >= MIN_CODE_LENGTH && length <= MAX_CODE_LENGTH ? length : undefined;
}
