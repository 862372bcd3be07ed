import { ERROR_CATALOG, ERROR_CODES, type ErrorCode } from '../../src/common/error-catalog.js';
import { createProblemExample } from '../../src/openapi/problem-example.js';

const INTRO = `<!-- Written by \`npm run errors\` from src/common/error-catalog.ts. -->

# Errors

Every error is a problem document (\`application/problem+json\`, RFC 9457). Branch on \`code\`, which
is stable; \`detail\` is written for developers and may change. Show neither to end users. Quote
\`requestId\` when you ask the operator for help: it finds the request in the log.

Every 429 and 503, and \`request_in_progress\`, has the header \`Retry-After\` with the seconds to wait.`;

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
  const example = createProblemExample(code);
  return [
    `## \`${code}\``,
    `HTTP ${status}, ${example.title}`,
    `- Cause: ${message}\n- What to do: ${action}`,
    `\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\``,
  ].join('\n\n');
}
