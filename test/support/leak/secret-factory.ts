import { createHash } from 'node:crypto';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { SeededRandom } from '../seeded-random.js';
import { SecretScanner } from './secret-scanner.js';

const DIGITS = '0123456789';
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const MIXED = DIGITS + LETTERS + LETTERS.toUpperCase();

/** Mobile numbers of some countries: how they begin, and how many digits follow. */
const PLANS = [
  ['+1415', 7],
  ['+1212', 7],
  ['+44794', 7],
  ['+49151', 8],
  ['+4179', 7],
] as const;

/**
 * What callers are fond of putting into a reference. None makes a request id, which would be the
 * caller's own choice.
 */
const AROUND_REFERENCE = [
  ['login/', ''],
  ['cart "', '"'],
  ['Zahlung über 5 € / ', ' ☎'],
  ['a\\b\t', ' = %2B?'],
] as const;

/** Makes what must not leak: none twice, and each is looked for from then on. */
export class SecretFactory {
  readonly scanner = new SecretScanner();
  private readonly made = new Set<string>();

  constructor(private readonly random: SeededRandom) {}

  /** A phone number, in E.164. */
  createPhoneNumber(): string {
    for (;;) {
      const [prefix, length] = this.random.oneOf(PLANS);
      const number = prefix + this.randomText(DIGITS, length);
      if (!parsePhoneNumberFromString(number)?.getType() || !this.isNew(number)) continue;
      this.registerPhoneNumber(number);
      return number;
    }
  }

  registerPhoneNumber(number: string): void {
    const parsed = parsePhoneNumberFromString(number);
    if (!parsed) return;
    // Whatever stands before it, such as a + or a country code: this is in it.
    this.scanner.add('number', parsed.nationalNumber);
    this.scanner.add('number', parsed.formatNational());
    this.scanner.add('number', parsed.formatInternational());
  }

  /** As long as a code can be: shorter ones would also be found by chance. */
  createCode(): string {
    const characters = this.random.oneOf([DIGITS, MIXED]);
    return this.createUnique(
      'code',
      () => this.randomText(DIGITS, 1) + this.randomText(characters, 9),
    );
  }

  createReference(): string {
    const [before, after] = this.random.oneOf(AROUND_REFERENCE);
    const kernel = this.createUnique(
      'reference',
      () => this.randomText(MIXED, 12) + this.randomText(DIGITS, 2),
    );
    const reference = before + kernel + after;
    this.scanner.add('reference', reference);
    return reference;
  }

  createIdempotencyKey = (): string =>
    this.createUnique('idempotency key', () => this.randomText(MIXED, 24));

  /** A key, and its entry in `API_KEYS`. */
  createApiKey(client: string): { key: string; entry: string } {
    const key = this.createUnique('API key', () => `otp_${this.randomText(`${MIXED}-_`, 43)}`);
    const hash = createHash('sha256').update(key).digest('hex');
    this.scanner.add('hash of an API key', hash);
    return { key, entry: `${client}:${hash}` };
  }

  /** A user's address. */
  createIpAddress(): string {
    const octet = () => String(this.random.between(100, 223));
    const group = () => this.random.between(0x1000, 0xffff).toString(16);
    const address = () =>
      this.random.oneIn(3)
        ? `2001:db8:${group()}:${group()}`
        : [octet(), octet(), octet(), octet()].join('.');
    const made = this.createUnique('address', address);
    return made.includes(':') ? `${made}::1` : made;
  }

  createProviderPinId = (): string =>
    this.createUnique('provider pin id', () => this.randomText(MIXED, 20));

  /** What the service has of its operator. */
  createCredential = (): string =>
    this.createUnique('credential', () => this.randomText(MIXED, 40));

  /** A handle of ours: its prefix may be logged, and not one character more. */
  registerPinId(pinId: string): void {
    this.scanner.add('pinId', pinId.slice(0, 9));
  }

  private createUnique(what: string, make: () => string): string {
    for (;;) {
      const secret = make();
      if (!this.isNew(secret)) continue;
      this.scanner.add(what, secret);
      return secret;
    }
  }

  private isNew(secret: string): boolean {
    const before = this.made.size;
    return this.made.add(secret).size > before;
  }

  private randomText(characters: string, length: number): string {
    const last = characters.length - 1;
    return Array.from({ length }, () => characters[this.random.between(0, last)]).join('');
  }
}
