import { Inject, Injectable } from '@nestjs/common';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import {
  AccountError,
  fail,
  formatValue,
  pass,
  type AccountCheck,
  type AccountFinding,
} from '../account-check.js';
import { APPLICATIONS_PATH, InfobipAccountApi, toTemplatesPath } from './infobip.account-api.js';
import { checkApplication } from './infobip.application-checks.js';
import { InfobipClient } from './infobip.client.js';
import { InfobipRequiredLimits } from './infobip.required-limits.js';
import { checkTemplate } from './infobip.template.js';

const SETUP_REMEDY = 'Fix it with: npm run infobip:setup.';

/** Checks the application and the message template that the settings name. */
@Injectable()
export class InfobipAccountCheck implements AccountCheck {
  constructor(
    private readonly client: InfobipClient,
    private readonly api: InfobipAccountApi,
    private readonly requiredLimits: InfobipRequiredLimits,
    @Inject(otpConfig.KEY) private readonly otp: OtpConfig,
  ) {}

  async check(signal?: AbortSignal): Promise<AccountFinding[]> {
    try {
      const findings = await this.checkAccount(signal);
      return findings.map((finding) =>
        finding.level === 'ok' ? finding : { ...finding, remedy: SETUP_REMEDY },
      );
    } catch (thrown) {
      if (!(thrown instanceof AccountError)) throw thrown;
      const { finding } = thrown;
      return [finding.check === 'scope' ? await this.checkScope(finding) : finding];
    }
  }

  private async checkAccount(signal?: AbortSignal): Promise<AccountFinding[]> {
    const { applicationId, templateId } = this.client.account;
    const application = await this.api.find(APPLICATIONS_PATH, applicationId, signal);
    const access = pass('access', 'Infobip answers and accepts the API key.');
    if (!application) {
      const name = formatValue(applicationId);
      const message = `The account has no application ${name} (INFOBIP_APP_ID).`;
      return [access, fail('application', message)];
    }
    const template = await this.api.find(toTemplatesPath(applicationId), templateId, signal);
    const missing =
      `The application has no message template ${formatValue(templateId)} (INFOBIP_MESSAGE_ID): ` +
      'it is unknown, or belongs to another one.';
    return [
      access,
      ...checkApplication(application, this.otp, this.requiredLimits),
      ...(template ? checkTemplate(template, applicationId) : [fail('template', missing)]),
    ];
  }

  /** A key that can only send is good for the service, but the account cannot be checked with it. */
  private async checkScope(finding: AccountFinding): Promise<AccountFinding> {
    const canSend = await this.api.canSend().catch(() => true);
    if (canSend) return { ...finding, level: 'warning' };
    return fail(
      'scope',
      'The API key has no scope for 2FA at all (403).',
      'Give it 2fa:pin:send for the service, and 2fa:manage for infobip:setup and doctor.',
    );
  }
}
