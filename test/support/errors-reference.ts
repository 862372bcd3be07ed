import { DomainError } from '../../src/common/domain-error.js';
import { ERROR_CATALOG, ERROR_CODES, type ErrorCode } from '../../src/common/error-catalog.js';
import { toProblem } from '../../src/http/problem.js';

const INTRO = `<!-- Written by \`npm run errors\` from src/common/error-catalog.ts. -->

# Errors

Every error is a problem document (\`application/problem+json\`, RFC 9457). Branch on \`code\`, which
is stable; \`detail\` is written for developers and may change. Show neither to end users. Quote
\`requestId\` when you ask the operator for help: it finds the request in the log.

Every 429 and 503, and \`request_in_progress\`, has the header \`Retry-After\` with the seconds to wait.`;

const REQUEST_ID = '5f3c1c1e-0d7a-4f55-9d0e-3a5c2f3b9b58';

/** The paths in examples of errors that a send cannot have. */
const PATHS: Partial<Record<ErrorCode, string>> = {
  not_found: '/',
  not_resendable: '/otp/resend',
  resend_limit_reached: '/otp/resend',
  verification_not_found: '/otp/verify',
};

const CODES = ERROR_CODES.toSorted((a, b) => ERROR_CATALOG[a].status - ERROR_CATALOG[b].status);

/** The text of docs/errors.md. */
export const errorsPage = (): string =>
  [
    INTRO,
    ['| HTTP | `code` |', '| --- | --- |', ...CODES.map(toRow)].join('\n'),
    ...CODES.map(toSection),
  ].join('\n\n');

const toRow = (code: ErrorCode): string =>
  `| ${ERROR_CATALOG[code].status} | [\`${code}\`](#${code}) |`;

function toSection(code: ErrorCode): string {
  const { status, message, action } = ERROR_CATALOG[code];
  const example = exampleOf(code);
  return [
    `## \`${code}\``,
    `HTTP ${status}, ${example.title}`,
    `- Cause: ${message}\n- What to do: ${action}`,
    `\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\``,
  ].join('\n\n');
}

function exampleOf(code: ErrorCode) {
  const invalidNumber = { pointer: '#/phoneNumber', detail: 'Give a number in E.164 form.' };
  const fieldErrors = code === 'validation_failed' ? { fieldErrors: [invalidNumber] } : {};
  return toProblem(new DomainError(code, fieldErrors), REQUEST_ID, PATHS[code] ?? '/otp/send');
}
