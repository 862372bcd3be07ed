import { Inject, Injectable } from '@nestjs/common';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import {
  getProviderAccount,
  providersConfig,
  type ProvidersConfig,
} from '../../config/providers.config.js';
import { AccountError } from '../account-check.js';
import { error } from '../account-findings.js';
import type { AccountSetup, SetupOptions, SetupPlan } from '../account-setup.js';
import { InfobipAccount } from './infobip.account.js';
import {
  desiredConfiguration,
  desiredTemplate,
  diff,
  PIN_LENGTH,
} from './infobip.desired-state.js';
import { InfobipDemand } from './infobip.max-usage.js';
import { withSamplePin } from './infobip.message-text.js';
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

  async plan(options: SetupOptions): Promise<SetupPlan> {
    const application = await this.findApplication(options);
    const applicationId = application && requireId(application.applicationId);
    const template =
      applicationId === undefined ? undefined : await this.findTemplate(applicationId, options);
    const messageId = template && requireId(template.messageId);

    const name = options.name ?? application?.name ?? DEFAULT_NAME;
    const head = { name, enabled: true };
    const configuration = desiredConfiguration(this.otp, this.demand);
    const message = desiredTemplate(template, options);
    const subject = `Application ${JSON.stringify(name)}, ${applicationId ?? 'new'}`;
    const applicationChanges = [
      ...diff(subject, application ?? {}, head),
      ...diff(subject, application?.configuration ?? {}, configuration),
    ];
    const templateSubject = `Message template, ${messageId ?? 'new'}`;
    const templateChanges = diff(templateSubject, template ?? {}, message);

    return {
      changes: [...applicationChanges, ...templateChanges],
      text: message.messageText,
      sample: withSamplePin(message.messageText, PIN_LENGTH),
      apply: async () => {
        let savedId = applicationId;
        if (savedId === undefined || applicationChanges.length > 0) {
          // Infobip's fields that are not known here keep their values.
          const merged = { ...application?.configuration, ...configuration };
          const fields = { ...head, configuration: merged };
          const saved = await this.account.saveApplication(applicationId, fields);
          savedId = requireId(saved.applicationId);
        }
        let savedMessageId = messageId;
        if (savedMessageId === undefined || templateChanges.length > 0) {
          const saved = await this.account.saveTemplate(savedId, messageId, message);
          savedMessageId = requireId(saved.messageId);
        }
        return {
          INFOBIP_BASE_URL: getProviderAccount('infobip', this.config).baseUrl,
          INFOBIP_APP_ID: savedId,
          INFOBIP_MESSAGE_ID: savedMessageId,
        };
      },
    };
  }

  /** The configured application, unless the options name another. */
  private async findApplication({
    applicationId,
    name,
  }: SetupOptions): Promise<ApplicationResponse | undefined> {
    if (name === undefined && applicationId !== undefined) {
      const configured = await this.account.findApplication(applicationId);
      if (configured) return configured;
    }
    const applications = await this.account.listApplications();
    return applications.find((application) => application.name === (name ?? DEFAULT_NAME));
  }

  /** The configured template, or the one with this text, or the only one. */
  private async findTemplate(
    applicationId: string,
    { messageId, text }: SetupOptions,
  ): Promise<TemplateResponse | undefined> {
    const all = await this.account.listTemplates(applicationId);
    const templates = all.filter(({ messageText }) => typeof messageText === 'string');
    return (
      templates.find((template) => messageId !== undefined && template.messageId === messageId) ??
      templates.find((template) => text !== undefined && template.messageText === text) ??
      (templates.length === 1 ? templates[0] : undefined)
    );
  }
}

function requireId(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new AccountError(
    error('host', 'Infobip’s response has no id.', 'Check in the portal what was created.'),
  );
}
