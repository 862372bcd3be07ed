import { Inject, Injectable } from '@nestjs/common';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import {
  getProviderAccount,
  providersConfig,
  type ProvidersConfig,
} from '../../config/providers.config.js';
import { AccountError } from '../account-check.js';
import type { AccountCheck, AccountFinding } from '../account-check.js';
import { InfobipAccount } from './infobip.account.js';
import { checkApplication } from './infobip.application-checks.js';
import { InfobipDemand } from './infobip.max-usage.js';
import { error, ok, format } from './infobip.findings.js';
import { checkTemplate } from './infobip.template-checks.js';

/** Reads what the service's settings name at Infobip, and has it judged. */
@Injectable()
export class InfobipAccountCheck implements AccountCheck {
  constructor(
    private readonly account: InfobipAccount,
    @Inject(providersConfig.KEY) private readonly config: ProvidersConfig,
    private readonly demand: InfobipDemand,
    @Inject(otpConfig.KEY) private readonly otp: OtpConfig,
  ) {}

  async check(signal?: AbortSignal): Promise<AccountFinding[]> {
    try {
      return await this.read(signal);
    } catch (thrown) {
      if (!(thrown instanceof AccountError)) throw thrown;
      const { finding } = thrown;
      return [finding.check === 'scope' ? await this.checkScope(finding) : finding];
    }
  }

  private async read(signal?: AbortSignal): Promise<AccountFinding[]> {
    const { applicationId, messageId } = getProviderAccount('infobip', this.config);
    const application = await this.account.application(applicationId, signal);
    const access = ok('access', 'Infobip answers, and takes the API key.');
    if (!application) {
      const what = `The account has no application ${format(applicationId)} (INFOBIP_APP_ID).`;
      return [access, error('application', what)];
    }
    const template = await this.account.template(applicationId, messageId, signal);
    const missing =
      `The application has no message template ${format(messageId)} (INFOBIP_MESSAGE_ID): ` +
      'it is unknown, or belongs to another one.';
    return [
      access,
      ...checkApplication(application, this.otp, this.demand),
      ...(template ? checkTemplate(template, applicationId) : [error('template', missing)]),
    ];
  }

  /** A key that can only send is a good one for the service, but the account stays unseen. */
  private async checkScope(finding: AccountFinding): Promise<AccountFinding> {
    const maySend = await this.account.maySend().catch(() => true);
    if (maySend) return { ...finding, level: 'warning' };
    return error(
      'scope',
      'The API key has no scope for 2FA at all (403).',
      'Give it 2fa:pin:send for the service, and 2fa:manage for the set-up and the doctor.',
    );
  }
}
