import { Injectable } from '@nestjs/common';
import { AccountError, fail } from '../account-check.js';
import type { AccountSetup, SetupChange, SetupOptions, SetupPlan } from '../account-setup.js';
import { APPLICATIONS_PATH, InfobipAccountApi, toTemplatesPath } from './infobip.account-api.js';
import { InfobipClient } from './infobip.client.js';
import { normalizeUnits } from './infobip.limit-syntax.js';
import { InfobipRequiredLimits } from './infobip.required-limits.js';
import { buildTemplate, insertSamplePin } from './infobip.template.js';
import type { InfobipApplication, InfobipTemplate } from './infobip.types.js';

const DEFAULT_NAME = 'OTP service';

/** Creates or updates one Infobip 2FA application with one message template. */
@Injectable()
export class InfobipSetup implements AccountSetup {
  constructor(
    private readonly client: InfobipClient,
    private readonly api: InfobipAccountApi,
    private readonly requiredLimits: InfobipRequiredLimits,
  ) {}

  async plan(options: SetupOptions): Promise<SetupPlan> {
    const application = await this.findApplication(options);
    const applicationId = application && requireId(application.applicationId);
    const template =
      applicationId === undefined ? undefined : await this.findTemplate(applicationId, options);
    const templateId = template && requireId(template.messageId);

    const name = options.applicationName ?? application?.name ?? DEFAULT_NAME;
    const baseFields = { name, enabled: true };
    const configuration = this.requiredLimits.buildConfiguration();
    const templateFields = buildTemplate(template, options);
    const applicationResource = `Application ${JSON.stringify(name)}, ${applicationId ?? 'new'}`;
    const applicationChanges = [
      ...findChanges(applicationResource, application ?? {}, baseFields),
      ...findChanges(applicationResource, application?.configuration ?? {}, configuration),
    ];
    const templateResource = `Message template, ${templateId ?? 'new'}`;
    const templateChanges = findChanges(templateResource, template ?? {}, templateFields);

    return {
      changes: [...applicationChanges, ...templateChanges],
      text: templateFields.messageText,
      sample: insertSamplePin(templateFields.messageText),
      apply: async () => {
        let savedApplicationId = applicationId;
        if (savedApplicationId === undefined || applicationChanges.length > 0) {
          // The request replaces the configuration: keep the fields that this service does not set.
          const merged = { ...application?.configuration, ...configuration };
          const fields = { ...baseFields, configuration: merged };
          const saved = await this.api.save(APPLICATIONS_PATH, savedApplicationId, fields);
          savedApplicationId = requireId((saved as InfobipApplication).applicationId);
        }
        let savedTemplateId = templateId;
        if (savedTemplateId === undefined || templateChanges.length > 0) {
          const templates = toTemplatesPath(savedApplicationId);
          const saved = await this.api.save(templates, templateId, templateFields);
          savedTemplateId = requireId((saved as InfobipTemplate).messageId);
        }
        return {
          INFOBIP_BASE_URL: this.client.account.baseUrl,
          INFOBIP_APP_ID: savedApplicationId,
          INFOBIP_MESSAGE_ID: savedTemplateId,
        };
      },
    };
  }

  /** Finds by the given name; without one, by the configured id, else by the default name. */
  private async findApplication(options: SetupOptions): Promise<InfobipApplication | undefined> {
    const { applicationId, applicationName } = options;
    if (applicationName === undefined && applicationId !== undefined) {
      const configured = await this.api.find(APPLICATIONS_PATH, applicationId);
      if (configured) return configured;
    }
    const applications: InfobipApplication[] = await this.api.list(APPLICATIONS_PATH);
    return applications.find(({ name }) => name === (applicationName ?? DEFAULT_NAME));
  }

  /** Finds the configured template, else one with the given text, else the only template. */
  private async findTemplate(
    applicationId: string,
    { templateId, text }: SetupOptions,
  ): Promise<InfobipTemplate | undefined> {
    const all: InfobipTemplate[] = await this.api.list(toTemplatesPath(applicationId));
    // Templates for e-mail have no text.
    const templates = all.filter(({ messageText }) => typeof messageText === 'string');
    return (
      templates.find((template) => templateId !== undefined && template.messageId === templateId) ??
      templates.find((template) => text !== undefined && template.messageText === text) ??
      (templates.length === 1 ? templates[0] : undefined)
    );
  }
}

/** The fields whose value differs from the desired one; `300s` equals `5m`. */
function findChanges(resource: string, current: object, desired: object): SetupChange[] {
  const before = new Map<string, unknown>(Object.entries(current));
  return Object.entries(desired as Record<string, unknown>)
    .filter(([field, value]) => normalizeUnits(before.get(field)) !== normalizeUnits(value))
    .map(([field, value]) => ({
      resource,
      field,
      current: before.has(field) ? JSON.stringify(before.get(field)) : undefined,
      desired: JSON.stringify(value),
    }));
}

function requireId(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new AccountError(
    fail('id', 'Infobip’s response contains no id.', 'Check the account in Infobip’s portal.'),
  );
}
