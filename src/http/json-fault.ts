/*
 * Where a body stops being a flat JSON object, the only form of a body here. The messages of JSON.parse
 * quote the body, and often without a position.
 */

const SPACE = /[ \t\r\n]*/y;
/** Every character but control characters, `"` and `\`, and escapes. */
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const VALUE = new RegExp(
  String.raw`${STRING.source}|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null`,
  'y',
);

/** What may come next, what the sentence calls it, and what follows it. */
const STEPS = {
  start: { pattern: /\{/y, expected: '{', next: 'name' },
  name: { pattern: STRING, expected: 'a name in double quotes', next: 'colon' },
  colon: { pattern: /:/y, expected: ': after the name', next: 'value' },
  value: {
    pattern: VALUE,
    expected: 'a string in double quotes or another plain value',
    next: 'separator',
  },
  separator: { pattern: /[,}]/y, expected: ', or } after the value', next: 'name' },
  end: { pattern: /$/y, expected: 'the end of the body', next: 'end' },
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
    // The parser also rejects names that could change the prototype of an object.
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
  const reason =
    position === text.length ? `it ends ${where}; expected is` : `${where} expected is`;
  return `The body is not valid JSON: ${reason} ${expected}.`;
}
