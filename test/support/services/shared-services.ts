/** The environment variable with the URL of the run's ServiceBroker; jest's workers inherit it. */
export const BROKER_VARIABLE = 'TEST_SERVICE_BROKER';

const URL_VARIABLES = {
  postgres: 'TEST_DATABASE_URL',
  redis: 'TEST_REDIS_URL',
  chromium: undefined,
};

export type ServiceName = keyof typeof URL_VARIABLES;

/**
 * The URL of a shared service: from its variable, or from the broker, which starts the service if
 * needed. `undefined` outside a test run.
 */
export async function sharedServiceUrl(name: ServiceName): Promise<string | undefined> {
  const variable = URL_VARIABLES[name];
  const url = variable === undefined ? '' : (process.env[variable] ?? '');
  if (url !== '') return url;
  const broker = process.env[BROKER_VARIABLE];
  if (broker === undefined) return undefined;
  const response = await fetch(`${broker}/${name}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
