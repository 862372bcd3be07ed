import type { Description } from '../openapi/described.decorator.js';
import { LOOKUP_RESPONSE, NUMBER_REQUEST } from './dto/schemas.js';

export const LOOKUP: Description = {
  operationId: 'lookUpNumber',
  tag: 'Numbers',
  summary: 'Ask whether a number was verified',
  description:
    'Tells whether you have had a number verified, as far as the retention of records reaches back.',
  body: NUMBER_REQUEST,
  answers: { 200: { description: 'What is on record.', body: LOOKUP_RESPONSE } },
  problems: [],
};

export const ERASE: Description = {
  operationId: 'eraseNumber',
  tag: 'Numbers',
  summary: 'Forget a number',
  description:
    'Deletes all your verifications of a number. The limits that protect the number stay: they hold only a hash of it.',
  body: NUMBER_REQUEST,
  answers: { 204: { description: 'Nothing of yours is stored about the number any more.' } },
  problems: [],
};
