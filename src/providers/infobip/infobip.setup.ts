import { Injectable } from '@nestjs/common';
import { canonicalizeLocale, isLanguageTag } from '../../common/locale.js';
import { AccountError, errorFinding } from '../account-check.js';
import {
  SetupOptionError,
  type AccountSetup,
  type SetupChange,
  type SetupOptions,
  type SetupPlan,
} from '../account-setup.js';
import { APPLICATIONS_PATH, InfobipAccountApi, toTemplatesPath } from './infobip.account-api.js';
import { InfobipClient } from './infobip.client.js';
import { findDefaultTemplate, findLocalizedTemplate } from './infobip.find-template.js';
import { normalizeUnits } from './infobip.limit-syntax.js';
import { InfobipRequiredLimits } from './infobip.required-limits.js';
import { buildLocalizedTemplate, buildTemplate, insertSamplePin } from './infobip.template.js';
import type { InfobipApplication, InfobipTemplate } from './infobip.types.js';

const DEFAULT_NAME = 'OTP service';
const NO_DEFAULT_TEMPLATE =
  '--locale needs a default template, but the application has none with the id in INFOBIP_MESSAGE_ID. ' +
  'First run the command without --locale, and set the ids that it prints.';

/** Creates or updates one Infobip 2FA application with the message template of one language. */
@Injectable()
export class InfobipSetup implements AccountSetup {
  constructor(
    private readonly client: InfobipClient,
    private readonly api: InfobipAccountApi,
    private readonly requiredLimits: InfobipRequiredLimits,
  ) {}

  async plan(options: SetupOptions): Promise<SetupPlan> {
    const locale = options.locale === undefined ? undefined : parseLocale(options.locale);
    const application = await this.findApplication(options);
    const applicationId = application && requireId(application.applicationId);
    const { template, fields: templateFields } = await this.planTemplate(
      applicationId,
      locale,
      options,
    );
    const templateId = template && requireId(template.messageId);

    const name = options.applicationName ?? application?.name ?? DEFAULT_NAME;
    const baseFields = { name, enabled: true };
    const configuration = this.requiredLimits.buildConfiguration();
    const applicationResource = `Application ${JSON.stringify(name)}, ${applicationId ?? 'new'}`;
    const applicationChanges = [
      ...findChanges(applicationResource, application ?? {}, baseFields),
      ...findChanges(applicationResource, application?.configuration ?? {}, configuration),
    ];
    const templateName = ['Message template', locale].filter(Boolean).join(' ');
    const templateResource = `${templateName}, ${templateId ?? 'new'}`;
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
          const templatesPath = toTemplatesPath(savedApplicationId);
          const saved = await this.api.save(templatesPath, templateId, templateFields);
          savedTemplateId = requireId((saved as InfobipTemplate).messageId);
        }
        return {
          INFOBIP_BASE_URL: this.client.account.baseUrl,
          INFOBIP_APP_ID: savedApplicationId,
          ...this.toTemplateSetting(savedTemplateId, locale),
        };
      },
    };
  }

  /** By the name in the options. Without one, by the id in the settings, or by the default name. */
  private async findApplication(options: SetupOptions): Promise<InfobipApplication | undefined> {
    const { applicationId, applicationName } = options;
    if (applicationName === undefined && applicationId !== undefined) {
      const configured = await this.api.find(APPLICATIONS_PATH, applicationId);
      if (configured) return configured;
    }
    const applications: InfobipApplication[] = await this.api.list(APPLICATIONS_PATH);
    return applications.find(({ name }) => name === (applicationName ?? DEFAULT_NAME));
  }

  /** Finds the template to set up, if it exists already, and builds the fields to write. */
  private async planTemplate(
    applicationId: string | undefined,
    locale: string | undefined,
    options: SetupOptions,
  ) {
    const templates = applicationId === undefined ? [] : await this.listTemplates(applicationId);
    const { templateId, text } = options;
    const configured = templates.find(
      ({ messageId }) => templateId !== undefined && messageId === templateId,
    );
    if (locale === undefined) {
      const template = configured ?? findDefaultTemplate(templates, text);
      return { template, fields: buildTemplate(template, options) };
    }
    if (!configured) throw new SetupOptionError(NO_DEFAULT_TEMPLATE);
    const others = templates.filter((template) => template !== configured);
    const { templateIdsByLocale } = this.client.account;
    const template = findLocalizedTemplate(others, templateIdsByLocale, locale, text);
    return { template, fields: buildLocalizedTemplate(template, configured, locale, options) };
  }

  private async listTemplates(applicationId: string): Promise<InfobipTemplate[]> {
    const templates: InfobipTemplate[] = await this.api.list(toTemplatesPath(applicationId));
    // Templates for e-mail have no text.
    return templates.filter(({ messageText }) => typeof messageText === 'string');
  }

  private toTemplateSetting(id: string, locale: string | undefined): Record<string, string> {
    if (locale === undefined) return { INFOBIP_MESSAGE_ID: id };
    const ids = new Map(this.client.account.templateIdsByLocale).set(locale, id);
    return { INFOBIP_MESSAGE_IDS: Array.from(ids, (entry) => entry.join(':')).join(',') };
  }
}

function parseLocale(tag: string): string {
  const locale = isLanguageTag(tag) ? canonicalizeLocale(tag) : '';
  if (locale !== '') return locale;
  throw new SetupOptionError('--locale must be a BCP 47 language tag such as de or pt-BR.');
}

/** The fields whose current value differs from the desired value; `300s` equals `5m`. */
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
    errorFinding(
      'id',
      'Infobip’s response contains no id.',
      'Check the account in Infobip’s portal.',
    ),
  );
}
