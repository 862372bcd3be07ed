import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import {
  defineConfig,
  optional,
  readSettings,
  setting,
  type Environment,
  type SettingValues,
} from './define-config.js';
import { baseUrl, flag, parsedBy } from './env-types.js';
import { HEADER_NAME, parseHmacSecrets, parseReportTokens } from './list-parsers.js';
import { providersConfig } from './providers.config.js';
import { serviceConfig } from './service.config.js';

/**
 * The routes to which providers post delivery reports. Operators enter these URLs in their accounts at
 * the providers, so a change must be repeated there.
 */
export const INFOBIP_REPORTS_PATH = '/provider-reports/infobip';
const SINCH_REPORTS_PATH = '/provider-reports/sinch';

/** How a sandbox that the service starts itself proves that its reports are authentic. */
const SANDBOX_REPORTS = {
  tokens: ['sandbox-delivery-token'],
  hmac: { secrets: ['sandbox-hmac-secret'], header: 'x-signature' },
};

const SETTINGS = {
  infobipTokens: optional('INFOBIP_REPORT_TOKEN', parsedBy(parseReportTokens), {
    description:
      'token that Infobip sends in `x-delivery-token`; switches its reports on. List two to rotate',
    values: 'tokens of at least 16 characters',
    defaultInWords: 'no reports of Infobip',
    developmentDefault: 'the sandbox’s, if the service starts it',
    isSecret: true,
  }),
  infobipHmacSecrets: optional('INFOBIP_REPORT_HMAC_SECRET', parsedBy(parseHmacSecrets), {
    description:
      'secret of the `HMAC_SHA_256` signature of Infobip’s reports, without a comma. List two to rotate',
    values: 'secrets of at most 255 characters',
    defaultInWords: 'reports need no signature',
    isSecret: true,
  }),
  infobipHmacHeader: optional(
    'INFOBIP_REPORT_HMAC_HEADER',
    Joi.string()
      .pattern(HEADER_NAME)
      .messages({ 'string.pattern.base': '{#label} must be the name of an HTTP header' }),
    {
      description:
        'header with the `HMAC_SHA_256` signature of Infobip’s reports; its name depends on your account',
      values: 'header name',
      defaultInWords: 'reports need no signature',
    },
  ),
  sinchReports: setting('SINCH_REPORTS', flag(), {
    description:
      'whether Sinch reports deliveries to this service; set this on every replica before you enter the callback URL at Sinch',
  }),
  publicUrl: optional('PUBLIC_URL', baseUrl(), {
    description: 'URL of this service as providers reach it; Sinch signs its path',
    defaultInWords: 'required with `SINCH_REPORTS`',
    example: 'https://otp.example.com',
  }),
};

/** The delivery reports of each provider in `PROVIDERS`; its field is `undefined` if they are switched off. */
export const reportsConfig = defineConfig(
  'reports',
  'Delivery reports',
  SETTINGS,
  (values, env) => {
    const { names } = providersConfig(env);
    const infobip = names.includes('infobip') ? getInfobipReports(values, env) : undefined;
    const isSinchOn = values.sinchReports && names.includes('sinch');
    return {
      infobip,
      sinch: isSinchOn
        ? getSinchCallback(`${values.publicUrl ?? ''}${SINCH_REPORTS_PATH}`)
        : undefined,
      isOn: infobip !== undefined || isSinchOn,
    };
  },
);
export type ReportsConfig = ConfigType<typeof reportsConfig>;

/** In development, reports of a sandbox that the service starts need no settings. */
function getInfobipReports(values: SettingValues<typeof SETTINGS>, env: Environment) {
  const { infobipTokens: tokens, infobipHmacSecrets: secrets, infobipHmacHeader: header } = values;
  if (tokens) {
    // Each token and each secret is accepted. Node has header names in lower case.
    return {
      tokens,
      hmac: secrets && header ? { secrets, header: header.toLowerCase() } : undefined,
    };
  }
  const hasOwnSandbox = providersConfig(env).sandbox?.startOn !== undefined;
  return serviceConfig(env).isDevelopment && hasOwnSandbox ? SANDBOX_REPORTS : undefined;
}

/** The URL to which Sinch posts its reports, and the path in it, which Sinch signs. */
const getSinchCallback = (url: string) => ({ url, path: new URL(url).pathname });

/** An error for each absent setting that another one requires. */
export function findReportErrors(env: Environment): string[] {
  const values = readSettings(SETTINGS, env);
  const isSigned = values.infobipHmacSecrets !== undefined;
  const errors: string[] = [];
  if (isSigned !== (values.infobipHmacHeader !== undefined)) {
    errors.push(
      'INFOBIP_REPORT_HMAC_SECRET and INFOBIP_REPORT_HMAC_HEADER must be set together, or neither',
    );
  }
  if (isSigned && values.infobipTokens === undefined) {
    errors.push('INFOBIP_REPORT_TOKEN is required with INFOBIP_REPORT_HMAC_SECRET');
  }
  if (values.sinchReports && values.publicUrl === undefined) {
    errors.push('PUBLIC_URL is required with SINCH_REPORTS: Sinch signs its path');
  }
  return errors;
}
