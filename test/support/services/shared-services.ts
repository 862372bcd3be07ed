/** The address of the run's ServiceBroker; the jest workers inherit the variable. */
export const BROKER = 'TEST_SERVICE_BROKER';

const GIVEN = {
  postgres: 'TEST_DATABASE_URL',
  redis: 'TEST_REDIS_URL',
  chromium: undefined,
};

export type ServiceName = keyof typeof GIVEN;

/** The url of the run's service: a given one, or one that starts when first asked for. */
export async function sharedServiceUrl(name: ServiceName): Promise<string | undefined> {
  const given = GIVEN[name] === undefined ? '' : (process.env[GIVEN[name]] ?? '');
  if (given !== '') return given;
  const broker = process.env[BROKER];
  if (broker === undefined) return undefined;
  const answer = await fetch(`${broker}/${name}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}
