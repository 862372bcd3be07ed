import type { Change, SetupPlan } from '../providers/account-setup.js';
import { smsSize } from '../providers/sms-size.js';
import { alignColumns } from './table.js';

const CHARACTERS_PER_SEGMENT = { 'GSM-7': [160, 153], 'UCS-2': [70, 67] } as const;

/** The changes of each resource, field by field. */
export function formatChanges(changes: readonly Change[]): string {
  if (changes.length === 0) return 'Nothing to change.';
  const subjects = [...new Set(changes.map(({ subject }) => subject))];
  return subjects
    .map((subject) => {
      const rows = changes
        .filter((change) => change.subject === subject)
        .map(({ field, current = '–', desired }) => [`  ${field}`, current, desired]);
      return [subject, ...alignColumns([['  field', 'now', 'then'], ...rows])].join('\n');
    })
    .join('\n\n');
}

/** The message as a phone shows it, and its size in segments. */
export function formatMessage({ text, sample }: SetupPlan): string {
  const { encoding, units, segments } = smsSize(sample);
  const [single, concatenated] = CHARACTERS_PER_SEGMENT[encoding];
  const size =
    segments === 1
      ? `of ${String(single)}: 1 segment.`
      : `in segments of ${String(concatenated)}: ${String(segments)} segments, each billed.`;
  const lines = [
    'The message, with a sample code:',
    ...sample.split('\n').map((line) => `  | ${line}`),
    `${encoding}, ${String(units)} characters ${size}`,
  ];
  if (encoding === 'UCS-2') {
    const outside = [...new Set(sample)].filter((one) => smsSize(one).encoding === 'UCS-2');
    lines.push(
      `Not in the GSM-7 alphabet, so a segment holds less than half: ${outside.join(' ')}`,
    );
  }
  if (!/\n@\S+ #\{\{pin\}\}$/.test(text)) {
    lines.push('With --webotp-host example.com, browsers there can fill in the code (WebOTP).');
  }
  return lines.join('\n');
}
