/** The size of a message, which determines its price. */
export interface SmsSize {
  /** One character outside GSM-7 makes the whole text UCS-2. */
  readonly encoding: 'GSM-7' | 'UCS-2';
  /** Septets of GSM-7, or 16-bit units of UCS-2. */
  readonly units: number;
  /** How many SMS the text is split into; each is billed. */
  readonly segments: number;
}

/** The GSM 7-bit default alphabet (3GPP TS 23.038 §6.2.1). */
const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡' +
    'ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
/** The extension table of that alphabet (§6.2.1.1): each character takes two septets. */
const EXTENSION = new Set('\f^{}\\[~]|€');

/** Units of a single SMS, and of each segment of a longer text (3GPP TS 23.040 §9.2.3.24.1). */
export const SMS_CAPACITY = {
  'GSM-7': { single: 160, segment: 153 },
  'UCS-2': { single: 70, segment: 67 },
} as const;

/** Measures a text in which the placeholders are filled in. */
export function getSmsSize(text: string): SmsSize {
  const characters = Array.from(text);
  const isGsm7 = characters.every((character) => BASIC.has(character) || EXTENSION.has(character));
  const widths = characters.map((character) => {
    if (!isGsm7) return character.length;
    return EXTENSION.has(character) ? 2 : 1;
  });
  const encoding = isGsm7 ? 'GSM-7' : 'UCS-2';
  const { single, segment } = SMS_CAPACITY[encoding];
  const units = widths.reduce((sum, width) => sum + width, 0);
  return { encoding, units, segments: units <= single ? 1 : countSegments(widths, segment) };
}

function countSegments(widths: readonly number[], capacity: number): number {
  let segments = 1;
  let filled = 0;
  for (const width of widths) {
    // Neither an extended character nor a surrogate pair is split.
    if (filled + width > capacity) {
      segments += 1;
      filled = 0;
    }
    filled += width;
  }
  return segments;
}
