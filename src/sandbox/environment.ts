import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import Joi from 'joi';

interface SandboxEnvironment {
  readonly SANDBOX_PORT: number;
  readonly SANDBOX_API_KEY?: string;
}

/** Present but empty counts as absent. */
const schema = Joi.object<SandboxEnvironment>({
  SANDBOX_PORT: Joi.number().port().min(1).empty('').default(3999),
  SANDBOX_API_KEY: Joi.string().empty(''),
});

/**
 * Reads what a sandbox that runs alone is told. It is an island, but reads as the service does: from
 * the environment and from a `.env` in the working folder; where both name one, the environment wins.
 * @throws Error naming the setting that cannot be used.
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
