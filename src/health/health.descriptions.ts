import type { Description } from '../openapi/described.decorator.js';
import { named, objectOf, optional, wordOf } from '../openapi/schema.js';
import type { Schema } from '../openapi/document.js';

const LIVENESS = named(
  'Liveness',
  objectOf<{ status: 'ok' }>('The process can answer.', {
    status: { type: 'string', const: 'ok', description: 'Never anything else.' },
  }),
);

interface Finding {
  status: 'up' | 'down';
  responseTime?: number;
  message?: string;
}

const finding = objectOf<Finding>('What was found of one part: `storage` or `counters`.', {
  status: wordOf<Finding['status']>('Whether it can be used.', { up: 'it can', down: 'it cannot' }),
  responseTime: optional({
    type: 'integer',
    minimum: 0,
    description: 'How long it took to answer, in milliseconds.',
    examples: [2],
  }),
  message: optional({
    type: 'string',
    description: 'Why it cannot. Names no host and no credential.',
    examples: ['The records cannot be reached.'],
  }),
});

const findings = (description: string): Schema => ({
  type: 'object',
  description,
  additionalProperties: finding,
});

interface Report {
  status: 'ok' | 'error' | 'shutting_down';
  info: object;
  error: object;
  details: object;
}

const REPORT = named(
  'HealthReport',
  objectOf<Report>('Whether requests should come here, and what that depends on.', {
    status: wordOf<Report['status']>('The whole finding.', {
      ok: 'requests should come',
      error: 'records or counters cannot be reached',
      shutting_down: 'the service is stopping',
    }),
    info: findings('The parts that can be used.'),
    error: findings('The parts that cannot be used.'),
    details: findings('All of them.'),
  }),
);

export const LIVE: Description = {
  operationId: 'isLive',
  tag: 'Health',
  summary: 'Is the process alive?',
  description: 'Answers as long as the process can answer at all. For restarting it.',
  answers: { 200: { description: 'It is.', body: LIVENESS } },
  problems: [],
};

export const READY: Description = {
  operationId: 'isReady',
  tag: 'Health',
  summary: 'Should requests come here?',
  description:
    'Depends on the records and the counters, and on whether the service is stopping; not on the provider. For balancers.',
  answers: {
    200: { description: 'They should.', body: REPORT },
    503: { description: 'They should not, for now.', body: REPORT },
  },
  problems: [],
};
