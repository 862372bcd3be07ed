/*
 * Finds where a body stops being a flat JSON object, the only form that the API accepts. JSON.parse
 * is no help: its messages quote the body, and often give no position.
 */

const SPACE = /[ \t\r\n]*/y;
/** In double quotes: escapes, and every character except control characters, `"` and `\`. */
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const VALUE = new RegExp(
  String.raw`${STRING.source}|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null`,
  'y',
);

/** The steps of reading an object: the expected token, the clause of the error, and the next step. */
const STEPS = {
  start: { pattern: /\{/y, expected: '`{` is expected', next: 'name' },
  name: { pattern: STRING, expected: 'a name in double quotes is expected', next: 'colon' },
  colon: { pattern: /:/y, expected: '`:` is expected after the name', next: 'value' },
  value: {
    pattern: VALUE,
    expected: 'a string in double quotes or another plain value is expected',
    next: 'separator',
  },
  separator: { pattern: /[,}]/y, expected: '`,` or `}` is expected after the value', next: 'name' },
  end: { pattern: /$/y, expected: 'the end of the body is expected', next: 'end' },
} as const;

type Step = keyof typeof STEPS;

/** Says where a text is no flat JSON object and what should be there. Never quotes the text. */
export function describeJsonFault(text: string): string {
  if (text.trim() === '') return 'The body is empty.';
  let step: Step = 'start';
  let position = 0;
  for (;;) {
    const { pattern, expected, next }: (typeof STEPS)[Step] = STEPS[step];
    position += matchAt(text, position, SPACE)?.length ?? 0;
    const token = matchAt(text, position, pattern);
    if (token === undefined) return describePosition(text, position, expected);
    // The text is a flat object: the parser rejected it only to prevent prototype pollution.
    if (step === 'end') return 'The body has a field named `__proto__` or `constructor`.';
    position += token.length;
    step = token === '}' ? 'end' : next;
  }
}

function matchAt(text: string, position: number, sticky: RegExp): string | undefined {
  sticky.lastIndex = position;
  return sticky.exec(text)?.[0];
}

function describePosition(text: string, position: number, expected: string): string {
  const lines = text.slice(0, position).split('\n');
  const [line, column] = [lines.length, (lines.at(-1)?.length ?? 0) + 1];
  const where = `at line ${String(line)}, column ${String(column)}`;
  const reason = position === text.length ? `it ends ${where}, where` : `${where},`;
  const form = /[[{]/.test(text.charAt(position)) ? 'a flat JSON object' : 'valid JSON';
  return `The body is not ${form}: ${reason} ${expected}.`;
}
