import type { MessagePrice } from '../common/delivery-report.js';

const DECIMAL = /^(\d{1,9})(?:\.(\d{1,12}))?$/;
const CURRENCY = /^[A-Z]{3}$/;
/** A larger number of parts is not plausible, and is read as 1. */
const MAX_PARTS = 100;

/**
 * The price of a message, from the price of one part (one SMS) and the number of parts. Multiplies
 * decimal digits, because binary fractions would not be exact.
 * @returns `undefined` if the amount or the currency cannot be parsed
 */
export function toMessagePrice(
  amountPerPart: unknown,
  currency: unknown,
  partCount: unknown = 1,
): MessagePrice | undefined {
  const [, whole = '', fraction = ''] = DECIMAL.exec(toDecimalText(amountPerPart)) ?? [];
  if (whole === '' || typeof currency !== 'string' || !CURRENCY.test(currency)) return undefined;
  return { amount: multiply(whole, fraction, toPartCount(partCount)), currency };
}

/**
 * An amount as decimal text; empty unless it is a string or a number. `String` alone would write a
 * number such as 1e-7 with an exponent.
 */
const toDecimalText = (amount: unknown): string => {
  if (typeof amount === 'string') return amount;
  if (typeof amount !== 'number') return '';
  const text = String(amount);
  return text.includes('e') ? amount.toFixed(12) : text;
};

const toPartCount = (value: unknown): number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_PARTS ? Number(value) : 1;

function multiply(whole: string, fraction: string, count: number): string {
  const digits = String(BigInt(whole + fraction) * BigInt(count)).padStart(
    fraction.length + 1,
    '0',
  );
  const point = digits.length - fraction.length;
  return fraction === '' ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
}
