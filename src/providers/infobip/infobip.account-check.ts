import { Inject, Injectable } from '@nestjs/common';
import { ClientDirectory } from '../../clients/client-directory.js';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
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
import { checkTemplate, listTemplateIds } from './infobip.template.js';

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
    const { templateId, templateIdsByLocale } = this.client.account;
    const findings = await Promise.all([
      this.checkTemplate('INFOBIP_MESSAGE_ID', templateId, signal),
      ...Array.from(templateIdsByLocale, async ([locale, id]) => {
        const found = await this.checkTemplate('INFOBIP_MESSAGE_IDS', id, signal, locale);
        const remedy = `Fix it with: npm run infobip:setup -- --locale ${locale}.`;
        return nameOwner(found, locale, remedy);
      }),
      ...Array.from(this.listClientTemplates(), async ([id, client]) => {
        const found = await this.checkTemplate('CLIENTS_FILE', id, signal);
        return nameOwner(found, `of ${client}`, CLIENT_REMEDY);
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
    signal?: AbortSignal,
    locale?: string,
  ): Promise<AccountFinding[]> {
    const { applicationId } = this.client.account;
    const template = await this.api.find(toTemplatesPath(applicationId), id, signal);
    if (template) return checkTemplate(template, applicationId, locale);
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

/** Adds the language or the client whose template the findings are about. */
const nameOwner = (
  findings: readonly AccountFinding[],
  owner: string,
  remedy: string,
): AccountFinding[] =>
  findings.map((finding) => ({
    ...finding,
    check: `${finding.check} ${owner}`,
    remedy: finding.level === 'ok' ? undefined : remedy,
  }));
