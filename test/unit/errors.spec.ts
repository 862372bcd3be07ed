import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { DomainError } from '../../src/common/domain-error.js';
import { ERROR_CATALOG, ERROR_CODES } from '../../src/common/error-catalog.js';
import { toProblem } from '../../src/http/problem.js';
import { errorsPage } from '../support/errors-reference.js';

const PAGE = 'docs/errors.md';

const formatMarkdown = (text: string): string =>
  execFileSync('node_modules/.bin/prettier', ['--stdin-filepath', PAGE], {
    encoding: 'utf8',
    input: text,
  });

describe('The error catalog', () => {
  it('is documented in docs/errors.md (npm run errors)', () => {
    const generated = formatMarkdown(errorsPage());

    if (process.env['UPDATE_ERRORS']) writeFileSync(PAGE, generated);
    else expect(readFileSync(PAGE, 'utf8')).toBe(generated);
    for (const code of ERROR_CODES) expect(generated).toContain(`## \`${code}\``);
  });

  it('has a message and an action for each code, as sentences', () => {
    for (const { message, action } of Object.values(ERROR_CATALOG)) {
      expect(message).toMatch(/^[A-Z].*\.$/);
      expect(action).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('hides the message of a 5xx from the problem document, and shows that of a 4xx', () => {
    for (const code of ERROR_CODES) {
      const message = 'the private address of the database';
      const { status, detail } = toProblem(
        new DomainError(code, { message }),
        'a-request-id',
        '/otp/send',
      );

      expect([code, detail.includes(message)]).toEqual([code, status < 500]);
    }
  });
});
