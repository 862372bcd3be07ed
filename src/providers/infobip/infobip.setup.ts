import { Inject, Injectable } from '@nestjs/common';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import {
  getProviderAccount,
  providersConfig,
  type ProvidersConfig,
} from '../../config/providers.config.js';
import { AccountError } from '../account-check.js';
import type { AccountSetup, SetupPlan, SetupOptions } from '../account-setup.js';
import { InfobipAccount } from './infobip.account.js';
import { InfobipDemand } from './infobip.max-usage.js';
import { error } from './infobip.findings.js';
import { withSamplePin } from './infobip.message-text.js';
import {
  diff,
  PIN_LENGTH,
  desiredConfiguration,
  desiredTemplate,
} from './infobip.desired-state.js';
import type { ApplicationResponse, TemplateResponse } from './infobip.types.js';

const DEFAULT_NAME = 'OTP service';

/** Sets up one application with one message template. */
@Injectable()
export class InfobipSetup implements AccountSetup {
  constructor(
    private readonly account: InfobipAccount,
    @Inject(providersConfig.KEY) private readonly config: ProvidersConfig,
    private readonly demand: InfobipDemand,
    @Inject(otpConfig.KEY) private readonly otp: OtpConfig,
  ) {}

  async plan(wishes: SetupOptions): Promise<SetupPlan> {
    const application = await this.findApplication(wishes);
    const applicationId = application && idOf(application.applicationId);
    const template =
      applicationId === undefined ? undefined : await this.findTemplate(applicationId, wishes);
    const messageId = template && idOf(template.messageId);

    const name = wishes.name ?? application?.name ?? DEFAULT_NAME;
    const head = { name, enabled: true };
    const configuration = desiredConfiguration(this.otp, this.demand);
    const message = desiredTemplate(template, wishes);
    const subject = `Application ${JSON.stringify(name)}, ${applicationId ?? 'new'}`;
    const ofApplication = [
      ...diff(subject, application ?? {}, head),
      ...diff(subject, application?.configuration ?? {}, configuration),
    ];
    const ofTemplate = diff(`Message template, ${messageId ?? 'new'}`, template ?? {}, message);

    return {
      changes: [...ofApplication, ...ofTemplate],
      text: message.messageText,
      sample: withSamplePin(message.messageText, PIN_LENGTH),
      apply: async () => {
        // What the vendor keeps beyond what is known here stays as it is.
        const fields = {
          ...head,
          configuration: { ...application?.configuration, ...configuration },
        };
        const owner = await this.saved(applicationId, ofApplication, async () =>
          idOf((await this.account.saveApplication(applicationId, fields)).applicationId),
        );
        const saved = await this.saved(messageId, ofTemplate, async () =>
          idOf((await this.account.saveTemplate(owner, messageId, message)).messageId),
        );
        return {
          INFOBIP_BASE_URL: getProviderAccount('infobip', this.config).baseUrl,
          INFOBIP_APP_ID: owner,
          INFOBIP_MESSAGE_ID: saved,
        };
      },
    };
  }

  private async saved(
    id: string | undefined,
    changes: readonly unknown[],
    save: () => Promise<string>,
  ): Promise<string> {
    return id !== undefined && changes.length === 0 ? id : save();
  }

  /** The configured one, unless another is asked for by name. */
  private async findApplication({
    applicationId,
    name,
  }: SetupOptions): Promise<ApplicationResponse | undefined> {
    if (name === undefined && applicationId !== undefined) {
      const configured = await this.account.application(applicationId);
      if (configured) return configured;
    }
    const wanted = name ?? DEFAULT_NAME;
    return (await this.account.applications()).find((application) => application.name === wanted);
  }

  /** The configured one, or the one that says so already, or the only one. */
  private async findTemplate(
    applicationId: string,
    { messageId, text }: SetupOptions,
  ): Promise<TemplateResponse | undefined> {
    const all = await this.account.templates(applicationId);
    const texts = all.filter(({ messageText }) => typeof messageText === 'string');
    return (
      texts.find((template) => messageId !== undefined && template.messageId === messageId) ??
      texts.find((template) => text !== undefined && template.messageText === text) ??
      (texts.length === 1 ? texts[0] : undefined)
    );
  }
}

function idOf(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new AccountError(
    error('host', 'Infobip’s answer names no id.', 'Look into the portal at what was created.'),
  );
}
