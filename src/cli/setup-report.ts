import type { Change, SetupPlan } from '../providers/account-setup.js';
import { smsSize } from '../providers/sms-size.js';

const LIMITS = { 'GSM-7': [160, 153], 'UCS-2': [70, 67] } as const;

/** What will change, field by field: what it is now, and what it will be then. */
export function describeChanges(changes: readonly Change[]): string {
  if (changes.length === 0) return 'Nothing to change.';
  const subjects = [...new Set(changes.map(({ subject }) => subject))];
  return subjects
    .map((subject) =>
      [subject, ...table(changes.filter((change) => change.subject === subject))].join('\n'),
    )
    .join('\n\n');
}

function table(changes: readonly Change[]): string[] {
  const rows = [
    ['field', 'now', 'then'] as const,
    ...changes.map(({ field, current: now = '–', desired: then }) => [field, now, then] as const),
  ];
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column].length));
  const [first, second] = [width(0), width(1)];
  return rows.map(
    ([field, now, then]) => `  ${field.padEnd(first)}  ${now.padEnd(second)}  ${then}`,
  );
}

/** What a phone will show, and what it costs. */
export function describeMessage({ text, sample }: SetupPlan): string {
  const { encoding, units, segments } = smsSize(sample);
  const [alone, joined] = LIMITS[encoding];
  const room = segments === 1 ? `of ${String(alone)}` : `in segments of ${String(joined)}`;
  const lines = [
    'The message, with a code in it:',
    ...sample.split('\n').map((line) => `  | ${line}`),
    `${encoding}, ${String(units)} characters ${room}: ${priceOf(segments)}.`,
  ];
  if (encoding === 'UCS-2') {
    const culprits = [...new Set(sample)].filter((one) => smsSize(one).encoding === 'UCS-2');
    lines.push(`Not in the GSM-7 alphabet, and so halving the room: ${culprits.join(' ')}`);
  }
  if (!/\n@\S+ #\{\{pin\}\}$/.test(text)) {
    lines.push('With --webotp-host example.com, browsers there can fill in the code (WebOTP).');
  }
  return lines.join('\n');
}

const priceOf = (segments: number): string =>
  segments === 1 ? '1 segment' : `${String(segments)} segments, each paid for`;
