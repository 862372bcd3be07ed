import Joi from 'joi';
import { readProviders } from '../list-settings.js';
import { SINCH_URL } from '../provider-accounts.js';
import { baseUrl, count, duration, list, meta, type SettingGroup } from '../setting-kinds.js';

const FROM_SANDBOX = meta({ development: 'the sandbox’s' });

export const PROVIDERS = {
  title: 'Providers',
  about:
    'Production wants the credentials of each provider that `PROVIDERS` names, and of no other. Outside it the sandbox stands in for all of them or for none.',
  settings: {
    PROVIDERS: list(readProviders)
      .default(['infobip'])
      .example('infobip,sinch')
      .description('who is asked for codes: the next where the one before fails')
      .meta(meta({ values: '`infobip`, `sinch`, in order of preference' })),
    PROVIDER_TIMEOUT: duration('5s', ['1ms', '60s']).description(
      'one provider’s part in a request, from connect to last byte',
    ),
    PROVIDER_MAX_IN_FLIGHT: count(200, 100_000).description(
      'sends, resends or verifies that may wait for one provider at the same time',
    ),
    INFOBIP_BASE_URL: baseUrl()
      .example('https://account.api.infobip.com')
      .description('your account’s host')
      .meta(FROM_SANDBOX),
    INFOBIP_API_KEY: Joi.string()
      .description('an API key with the scope `2fa:pin:send`')
      .meta(FROM_SANDBOX),
    INFOBIP_APP_ID: Joi.string().description('your 2FA application').meta(FROM_SANDBOX),
    INFOBIP_MESSAGE_ID: Joi.string().description('its message template').meta(FROM_SANDBOX),
    SINCH_BASE_URL: baseUrl()
      .description('with a key and without this, Sinch’s own host')
      .meta(meta({ ...FROM_SANDBOX, fallback: SINCH_URL })),
    SINCH_APPLICATION_KEY: Joi.string()
      .description('the key of your Verification application')
      .meta(FROM_SANDBOX),
    SINCH_APPLICATION_SECRET: Joi.string()
      .base64({ paddingRequired: false })
      .description('its secret, as the dashboard shows it')
      .meta(meta({ ...FROM_SANDBOX, values: 'base64' })),
    SANDBOX_PORT: Joi.number()
      .port()
      .min(1)
      .default(3999)
      .description('the sandbox’s port on 127.0.0.1, outside production'),
  },
} satisfies SettingGroup;
