import { createHash } from 'node:crypto';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { newProofKey, toKeySet } from '../proof-keys.js';
import type { SeededRandom } from '../seeded-random.js';
import { SecretScanner } from './secret-scanner.js';

const DIGITS = '0123456789';
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const ALPHANUMERIC = DIGITS + LETTERS + LETTERS.toUpperCase();

/** Mobile prefixes of some countries, each with the number of digits that follow. */
const MOBILE_PREFIXES = [
  ['+1415', 7],
  ['+1212', 7],
  ['+44794', 7],
  ['+49151', 8],
  ['+4179', 7],
] as const;

/**
 * Texts before and after the id in a reference, as clients may use them. With these characters a
 * reference is no valid request id, which the service may log.
 */
const REFERENCE_AFFIXES = [
  ['login/', ''],
  ['cart "', '"'],
  ['Zahlung über 5 € / ', ' ☎'],
  ['a\\b\t', ' = %2B?'],
] as const;

/** Creates unique secrets and registers each with the scanner. */
export class SecretFactory {
  readonly scanner = new SecretScanner();
  private readonly created = new Set<string>();

  constructor(private readonly random: SeededRandom) {}

  /** Creates a phone number, in E.164 form. */
  createPhoneNumber(): string {
    for (;;) {
      const [prefix, length] = this.random.oneOf(MOBILE_PREFIXES);
      const number = prefix + this.randomText(DIGITS, length);
      if (!parsePhoneNumberFromString(number)?.getType() || !this.addIfNew(number)) continue;
      this.registerPhoneNumber(number);
      return number;
    }
  }

  registerPhoneNumber(number: string): void {
    const parsed = parsePhoneNumberFromString(number);
    if (!parsed) return;
    // Forms without separators, such as E.164, contain the national number.
    this.scanner.add('number', parsed.nationalNumber);
    this.scanner.add('number', parsed.formatNational());
    this.scanner.add('number', parsed.formatInternational());
  }

  /** Creates a code of the maximum length: a shorter one could appear in the output by chance. */
  createCode(): string {
    const characters = this.random.oneOf([DIGITS, ALPHANUMERIC]);
    return this.createUnique(
      'code',
      () => this.randomText(DIGITS, 1) + this.randomText(characters, 9),
    );
  }

  createReference(): string {
    const [before, after] = this.random.oneOf(REFERENCE_AFFIXES);
    const id = this.createUnique(
      'reference',
      () => this.randomText(ALPHANUMERIC, 12) + this.randomText(DIGITS, 2),
    );
    const reference = before + id + after;
    this.scanner.add('reference', reference);
    return reference;
  }

  createIdempotencyKey = (): string =>
    this.createUnique('idempotency key', () => this.randomText(ALPHANUMERIC, 24));

  /** Creates a key and its entry in `API_KEYS`. */
  createApiKey(client: string): { key: string; entry: string } {
    const key = this.createUnique(
      'API key',
      () => `otp_${this.randomText(`${ALPHANUMERIC}-_`, 43)}`,
    );
    const hash = createHash('sha256').update(key).digest('hex');
    this.scanner.add('hash of an API key', hash);
    return { key, entry: `${client}:${hash}` };
  }

  /** Creates an IP address. The scanner gets only the /64 network of an IPv6 address. */
  createIpAddress(): string {
    const octet = () => String(this.random.between(100, 223));
    const group = () => this.random.between(0x1000, 0xffff).toString(16);
    const address = () =>
      this.random.oneIn(3)
        ? `2001:db8:${group()}:${group()}`
        : [octet(), octet(), octet(), octet()].join('.');
    // The service uses the /64 network of an IPv6 address, so the scanner looks for that.
    const addressOrNetwork = this.createUnique('address', address);
    return addressOrNetwork.includes(':') ? `${addressOrNetwork}::1` : addressOrNetwork;
  }

  createProviderPinId = (): string =>
    this.createUnique('provider pin id', () => this.randomText(ALPHANUMERIC, 20));

  /** Creates a secret setting, such as `OTP_SECRET` or a provider's API key. */
  createCredential = (): string =>
    this.createUnique('credential', () => this.randomText(ALPHANUMERIC, 40));

  /** Registers the first nine characters of a pinId. The service may log the first eight. */
  registerPinId(pinId: string): void {
    this.scanner.add('pinId', pinId.slice(0, 9));
  }

  /** Creates a key set for `PROOF_KEYS`. */
  createProofKeys(): string {
    const key = newProofKey('key');
    this.scanner.add('proof key', key.d);
    return toKeySet(key);
  }

  /** Registers the claims and the signature of a proof. Its header is no secret. */
  registerProof(proof: string): void {
    for (const part of proof.split('.').slice(1)) this.scanner.add('proof', part);
  }

  private createUnique(kind: string, create: () => string): string {
    for (;;) {
      const secret = create();
      if (!this.addIfNew(secret)) continue;
      this.scanner.add(kind, secret);
      return secret;
    }
  }

  private addIfNew(secret: string): boolean {
    const sizeBefore = this.created.size;
    return this.created.add(secret).size > sizeBefore;
  }

  private randomText(characters: string, length: number): string {
    const last = characters.length - 1;
    return Array.from({ length }, () => characters[this.random.between(0, last)]).join('');
  }
}
