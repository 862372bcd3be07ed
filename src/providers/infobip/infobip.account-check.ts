import { Inject, Injectable } from '@nestjs/common';
import { ClientDirectory } from '../../clients/client-directory.js';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import type { MessageTemplates } from '../../config/providers.config.js';
import {
  AccountError,
  errorFinding,
  formatValue,
  okFinding,
  type AccountCheck,
  type AccountFinding,
} from '../account-check.js';
import { APPLICATIONS_PATH, InfobipAccountApi, toTemplatesPath } from './infobip.account-api.js';
import { checkApplication } from './infobip.application-checks.js';
import { InfobipClient } from './infobip.client.js';
import { InfobipRequiredLimits } from './infobip.required-limits.js';
import { checkLocalizedTemplate, checkTemplate } from './infobip.template.js';
import type { InfobipTemplate } from './infobip.types.js';

const SETUP_REMEDY = 'Fix it with: npm run infobip:setup.';

const CLIENT_REMEDY = 'Correct the template at Infobip, or the client in CLIENTS_FILE.';

/** Checks the application and the message templates that the settings and the clients name. */
@Injectable()
export class InfobipAccountCheck implements AccountCheck {
  constructor(
    private readonly client: InfobipClient,
    private readonly api: InfobipAccountApi,
    private readonly requiredLimits: InfobipRequiredLimits,
    @Inject(otpConfig.KEY) private readonly otp: OtpConfig,
    private readonly directory: ClientDirectory,
  ) {}

  async check(signal?: AbortSignal): Promise<AccountFinding[]> {
    try {
      const findings = await this.checkAccount(signal);
      return findings.map((finding) =>
        finding.level === 'ok' ? finding : { ...finding, remedy: finding.remedy ?? SETUP_REMEDY },
      );
    } catch (thrown) {
      if (!(thrown instanceof AccountError)) throw thrown;
      const { finding } = thrown;
      return [finding.check === 'scope' ? await this.checkScope(finding) : finding];
    }
  }

  private async checkAccount(signal?: AbortSignal): Promise<AccountFinding[]> {
    const { applicationId } = this.client.account;
    const application = await this.api.find(APPLICATIONS_PATH, applicationId, signal);
    const access = okFinding('access', 'Infobip answers and accepts the API key.');
    if (!application) {
      const name = formatValue(applicationId);
      const message = `The account has no application ${name} (INFOBIP_APP_ID).`;
      return [access, errorFinding('application', message)];
    }
    return [
      access,
      ...checkApplication(application, this.otp, this.requiredLimits),
      ...(await this.checkTemplates(signal)),
    ];
  }

  /** Checks the templates of the default language, of further languages and of clients. */
  private async checkTemplates(signal?: AbortSignal): Promise<AccountFinding[]> {
    const { applicationId, templateId, templateIdsByLocale } = this.client.account;
    const findings = await Promise.all([
      this.checkTemplate('INFOBIP_MESSAGE_ID', templateId, signal, (template) =>
        checkTemplate(template, applicationId),
      ),
      ...Array.from(templateIdsByLocale, async ([locale, id]) => {
        const found = await this.checkTemplate('INFOBIP_MESSAGE_IDS', id, signal, (template) =>
          checkLocalizedTemplate(template, applicationId, locale),
        );
        return found.map((finding) => nameLocale(finding, locale));
      }),
      ...Array.from(this.listClientTemplates(), async ([id, client]) => {
        const found = await this.checkTemplate('CLIENTS_FILE', id, signal, (template) =>
          checkTemplate(template, applicationId),
        );
        return found.map((finding) => nameClient(finding, client));
      }),
    ]);
    return findings.flat();
  }

  /** The ids of templates that only clients name, each with the first client that names it. */
  private listClientTemplates(): ReadonlyMap<string, string> {
    const configured = listTemplateIds(this.client.account);
    const owners = new Map<string, string>();
    for (const { name, rules } of this.directory.clients) {
      for (const id of rules.templates ? listTemplateIds(rules.templates) : []) {
        if (!configured.includes(id) && !owners.has(id)) owners.set(id, name);
      }
    }
    return owners;
  }

  private async checkTemplate(
    setting: string,
    id: string,
    signal: AbortSignal | undefined,
    checkFound: (template: InfobipTemplate) => AccountFinding[],
  ): Promise<AccountFinding[]> {
    const path = toTemplatesPath(this.client.account.applicationId);
    const template = await this.api.find(path, id, signal);
    if (template) return checkFound(template);
    const missing =
      `The application has no message template ${formatValue(id)} (${setting}): ` +
      'it is unknown, or belongs to another application.';
    return [errorFinding('template', missing)];
  }

  /** Only warns if the API key can send: such a key serves the service, but cannot read the account. */
  private async checkScope(finding: AccountFinding): Promise<AccountFinding> {
    const canSend = await this.api.canSend().catch(() => true);
    if (canSend) return { ...finding, level: 'warning' };
    return errorFinding(
      'scope',
      'The API key has no scope for 2FA at all (403).',
      'Give it 2fa:pin:send for the service, and 2fa:manage for infobip:setup and doctor.',
    );
  }
}

const listTemplateIds = ({ templateId, templateIdsByLocale }: MessageTemplates): string[] => [
  templateId,
  ...templateIdsByLocale.values(),
];

/** Adds the client whose template the finding is about. */
const nameClient = (finding: AccountFinding, client: string): AccountFinding => ({
  ...finding,
  check: `${finding.check} of ${client}`,
  remedy: finding.level === 'ok' ? undefined : CLIENT_REMEDY,
});

/** Adds the language whose template the finding is about. */
const nameLocale = (finding: AccountFinding, locale: string): AccountFinding => ({
  ...finding,
  check: `${finding.check} ${locale}`,
  remedy:
    finding.level === 'ok'
      ? undefined
      : `Fix it with: npm run infobip:setup -- --locale ${locale}.`,
});
