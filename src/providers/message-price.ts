import type { MessagePrice } from '../common/delivery-report.js';

const DECIMAL = /^(\d{1,9})(?:\.(\d{1,12}))?$/;
const CURRENCY = /^[A-Z]{3}$/;
const MAX_PARTS = 100;

/**
 * The price of a message, from the amount of one part. Multiplied as decimal text: the sum of binary
 * fractions would not be exact.
 * @returns `undefined` if the amount or the currency cannot be read
 */
export function toMessagePrice(
  amount: unknown,
  currency: unknown,
  parts: unknown = 1,
): MessagePrice | undefined {
  const [, whole = '', fraction = ''] = DECIMAL.exec(toDecimalText(amount)) ?? [];
  if (whole === '' || typeof currency !== 'string' || !CURRENCY.test(currency)) return undefined;
  return { amount: multiply(whole, fraction, toCount(parts)), currency };
}

/** A number such as 1e-7 is written with an exponent by `String`. */
const toDecimalText = (amount: unknown): string => {
  if (typeof amount === 'string') return amount;
  if (typeof amount !== 'number') return '';
  const text = String(amount);
  return text.includes('e') ? amount.toFixed(12) : text;
};

const toCount = (parts: unknown): number =>
  Number.isInteger(parts) && Number(parts) >= 1 && Number(parts) <= MAX_PARTS ? Number(parts) : 1;

function multiply(whole: string, fraction: string, count: number): string {
  const digits = String(BigInt(whole + fraction) * BigInt(count)).padStart(
    fraction.length + 1,
    '0',
  );
  const point = digits.length - fraction.length;
  return fraction === '' ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
}
