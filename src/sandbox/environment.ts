import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import Joi from 'joi';
import { httpUrlSchema } from './http-url-schema.js';
import { HEADER_NAME_PATTERN } from './sandbox-settings.js';
import type { SandboxOptions } from './sandbox.js';

interface SandboxEnvironment {
  readonly SANDBOX_HOST: string;
  readonly SANDBOX_PORT: number;
  readonly SANDBOX_API_KEY?: string;
  readonly SANDBOX_INFOBIP_REPORT_URL?: string;
  readonly SANDBOX_INFOBIP_REPORT_TOKEN?: string;
  readonly SANDBOX_INFOBIP_REPORT_HMAC_SECRET?: string;
  readonly SANDBOX_INFOBIP_REPORT_HMAC_HEADER?: string;
  readonly SANDBOX_SINCH_CALLBACK_URL?: string;
}

const text = Joi.string().empty('');
const url = httpUrlSchema.empty('');

/** An empty value counts as not set. */
const schema = Joi.object<SandboxEnvironment>({
  SANDBOX_HOST: Joi.string().valid('127.0.0.1', '0.0.0.0').empty('').default('127.0.0.1'),
  SANDBOX_PORT: Joi.number().port().min(1).empty('').default(3999),
  SANDBOX_API_KEY: text,
  SANDBOX_INFOBIP_REPORT_URL: url,
  SANDBOX_INFOBIP_REPORT_TOKEN: text,
  SANDBOX_INFOBIP_REPORT_HMAC_SECRET: text,
  SANDBOX_INFOBIP_REPORT_HMAC_HEADER: text.pattern(HEADER_NAME_PATTERN),
  SANDBOX_SINCH_CALLBACK_URL: url,
});

/**
 * Reads the settings of a sandbox that runs on its own, from the environment and from `.env` in the
 * working directory. The environment takes precedence.
 * @throws Error that names the invalid setting.
 */
export function readEnvironment(): SandboxOptions {
  const result = schema.validate(
    { ...readDotEnv(), ...process.env },
    { stripUnknown: true, errors: { wrap: { label: false } } },
  );
  if (result.error) throw new Error(result.error.message);
  const settings = result.value;
  const { SANDBOX_INFOBIP_REPORT_URL: reportUrl } = settings;
  return {
    host: settings.SANDBOX_HOST,
    port: settings.SANDBOX_PORT,
    apiKey: settings.SANDBOX_API_KEY,
    infobipReports:
      reportUrl === undefined
        ? undefined
        : {
            url: reportUrl,
            token: settings.SANDBOX_INFOBIP_REPORT_TOKEN,
            hmacSecret: settings.SANDBOX_INFOBIP_REPORT_HMAC_SECRET,
            hmacHeader: settings.SANDBOX_INFOBIP_REPORT_HMAC_HEADER,
          },
    sinchCallbackUrl: settings.SANDBOX_SINCH_CALLBACK_URL,
  };
}

const readDotEnv = (): NodeJS.ProcessEnv =>
  existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {};
