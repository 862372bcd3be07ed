import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import Joi from 'joi';

interface SandboxEnvironment {
  readonly SANDBOX_HOST: string;
  readonly SANDBOX_PORT: number;
  readonly SANDBOX_API_KEY?: string;
}

/** An empty value counts as not set. */
const schema = Joi.object<SandboxEnvironment>({
  SANDBOX_HOST: Joi.string().valid('127.0.0.1', '0.0.0.0').empty('').default('127.0.0.1'),
  SANDBOX_PORT: Joi.number().port().min(1).empty('').default(3999),
  SANDBOX_API_KEY: Joi.string().empty(''),
});

/**
 * Reads the settings of a sandbox that runs on its own: from the environment, then from `.env` in the
 * working directory. The environment takes precedence.
 * @throws Error that names the invalid setting.
 */
export function readEnvironment(): SandboxEnvironment {
  const result = schema.validate(
    { ...readDotEnv(), ...process.env },
    { stripUnknown: true, errors: { wrap: { label: false } } },
  );
  if (result.error) throw new Error(result.error.message);
  return result.value;
}

function readDotEnv(): NodeJS.ProcessEnv {
  try {
    return parseEnv(readFileSync('.env', 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
