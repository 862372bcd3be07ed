import { Inject, Injectable } from '@nestjs/common';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import {
  getProviderAccount,
  providersConfig,
  type ProvidersConfig,
} from '../../config/providers.config.js';
import { AccountError } from '../account-error.js';
import type { AccountInspection, Finding } from '../account-inspection.js';
import { InfobipAccount } from './infobip.account.js';
import { applicationFindings } from './infobip.application-findings.js';
import { InfobipDemand } from './infobip.demand.js';
import { error, ok, shown } from './infobip.findings.js';
import { templateFindings } from './infobip.template-findings.js';

/** Reads what the service's settings name at Infobip, and has it judged. */
@Injectable()
export class InfobipInspection implements AccountInspection {
  constructor(
    private readonly account: InfobipAccount,
    @Inject(providersConfig.KEY) private readonly config: ProvidersConfig,
    private readonly demand: InfobipDemand,
    @Inject(otpConfig.KEY) private readonly otp: OtpConfig,
  ) {}

  async inspect(signal?: AbortSignal): Promise<Finding[]> {
    try {
      return await this.read(signal);
    } catch (thrown) {
      if (!(thrown instanceof AccountError)) throw thrown;
      const { finding } = thrown;
      return [finding.check === 'scope' ? await this.weighScope(finding) : finding];
    }
  }

  private async read(signal?: AbortSignal): Promise<Finding[]> {
    const { applicationId, messageId } = getProviderAccount('infobip', this.config);
    const application = await this.account.application(applicationId, signal);
    const access = ok('access', 'Infobip answers, and takes the API key.');
    if (!application) {
      const what = `The account has no application ${shown(applicationId)} (INFOBIP_APP_ID).`;
      return [access, error('application', what)];
    }
    const template = await this.account.template(applicationId, messageId, signal);
    const missing =
      `The application has no message template ${shown(messageId)} (INFOBIP_MESSAGE_ID): ` +
      'it is unknown, or belongs to another one.';
    return [
      access,
      ...applicationFindings(application, this.otp, this.demand),
      ...(template ? templateFindings(template, applicationId) : [error('template', missing)]),
    ];
  }

  /** A key that can only send is a good one for the service, but the account stays unseen. */
  private async weighScope(finding: Finding): Promise<Finding> {
    const maySend = await this.account.maySend().catch(() => true);
    if (maySend) return { ...finding, level: 'warning' };
    return error(
      'scope',
      'The API key has no scope for 2FA at all (403).',
      'Give it 2fa:pin:send for the service, and 2fa:manage for the set-up and the doctor.',
    );
  }
}
