import { readFileSync } from 'node:fs';
import { LIMITS } from '../../src/common/label-values.js';

const RUNBOOKS = 'docs/runbooks.md';

const VALUES: [label: string, page: string, values: readonly string[]][] = [
  ['limit', RUNBOOKS, LIMITS],
];

describe('The documentation for operators', () => {
  it.each(VALUES)('explains every value of the label: %s, in %s', (_label, page, values) => {
    const text = readFileSync(page, 'utf8');

    expect(values.filter((value) => !text.includes(`\`${value}\``))).toEqual([]);
  });
});
