/** A secret found in a text. */
export interface Match {
  readonly kind: string;
  readonly encoding: string;
  /** The text around it. */
  readonly context: string;
}

/** A secret in one encoding. */
interface EncodedSecret {
  readonly encoding: string;
  readonly text: string;
}

/** The length of the hashed window; no encoded secret may be shorter. */
const WINDOW = 8;
/** Odd, with well-distributed bits: 2³² divided by the golden ratio. */
const HASH_BASE = 0x9e_37_79_b1;
/** How many bits the number of a slot has. */
const SLOT_BITS = 24;
const CONTEXT_LENGTH = 60;

/** A local name: jest's lookup of a global would take longer than the rest of the scan. */
const { imul } = Math;

/**
 * Finds thousands of secrets in a long text in one pass, ignoring case. It updates the hash of the
 * last few characters (Rabin–Karp) and compares only the secrets whose beginning has that hash.
 */
export class SecretScanner {
  private readonly added = new Set<string>();
  /** The secrets by their first `WINDOW` characters in lower case. */
  private readonly byStart = new Map<string, (EncodedSecret & { readonly kind: string })[]>();
  /** 1 in the slot of each hash with which a secret begins: a quick test before the look-up. */
  private readonly slots = new Uint8Array(2 ** SLOT_BITS);

  /** Adds a secret in every encoding. */
  add(kind: string, secret: string): void {
    if (this.added.has(secret)) return;
    this.added.add(secret);
    for (const { encoding, text } of encodeSecret(secret)) {
      const lowerCase = text.toLowerCase();
      if (lowerCase.length < WINDOW)
        throw new Error(`${kind} is too short: it could appear by chance`);
      const start = lowerCase.slice(0, WINDOW);
      this.slots[slotOf(hashOf(start))] = 1;
      const others = this.byStart.get(start);
      const entry = { kind, encoding, text: lowerCase };
      if (others) others.push(entry);
      else this.byStart.set(start, [entry]);
    }
  }

  /** Finds the secrets in a text, one match per position. */
  scan(text: string): Match[] {
    const lowerCase = text.toLowerCase();
    const matches: Match[] = [];
    let hash = hashOf(lowerCase.slice(0, WINDOW));
    for (let at = 0; at + WINDOW <= lowerCase.length; at += 1) {
      if (this.slots[slotOf(hash)] === 1) {
        const secret = this.byStart
          .get(lowerCase.slice(at, at + WINDOW))
          ?.find((each) => lowerCase.startsWith(each.text, at));
        if (secret) {
          const { kind, encoding } = secret;
          matches.push({ kind, encoding, context: excerpt(text, at, secret) });
        }
      }
      hash = updateHash(hash, lowerCase.charCodeAt(at), lowerCase.charCodeAt(at + WINDOW));
    }
    return matches;
  }
}

/** The secret in every common encoding. */
function encodeSecret(secret: string): EncodedSecret[] {
  const json = encodeJson(secret);
  const bytes = Buffer.from(secret);
  return distinct([
    { encoding: 'as it is', text: secret },
    { encoding: 'in JSON', text: json },
    { encoding: 'in JSON in JSON', text: encodeJson(json) },
    { encoding: 'in ASCII JSON', text: escapeNonAscii(json) },
    { encoding: 'in a URL', text: encodeURIComponent(secret) },
    { encoding: 'in a form', text: new URLSearchParams([['', secret]]).toString().slice(1) },
    { encoding: 'in hex', text: bytes.toString('hex') },
    ...[0, 1, 2].flatMap((offset) => [
      {
        encoding: `in base64 at offset ${String(offset)}`,
        text: encodeBase64(bytes, offset, 'base64'),
      },
      {
        encoding: `in base64url at offset ${String(offset)}`,
        text: encodeBase64(bytes, offset, 'base64url'),
      },
    ]),
  ]);
}

const distinct = (secrets: readonly EncodedSecret[]): EncodedSecret[] => [
  ...new Map(secrets.map((secret) => [secret.text, secret])).values(),
];

const encodeJson = (text: string): string => JSON.stringify(text).slice(1, -1);

const escapeNonAscii = (text: string): string =>
  text.replace(
    /[^\0-\x7f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/**
 * The base64 of bytes inside a longer text, without characters that also depend on other bytes.
 * Base64 encodes groups of three bytes: `offset` is the position of the first byte in its group.
 */
function encodeBase64(bytes: Buffer, offset: number, alphabet: 'base64' | 'base64url'): string {
  const whole = Buffer.concat([Buffer.alloc(offset), bytes]);
  return whole
    .toString(alphabet)
    .slice(Math.ceil((offset * 8) / 6), Math.floor((whole.length * 8) / 6));
}

const hashOf = (start: string): number => {
  let hash = 0;
  for (let i = 0; i < start.length; i += 1) {
    hash = (imul(hash, HASH_BASE) + start.charCodeAt(i)) | 0;
  }
  return hash;
};

/** The factor of the oldest character after the window has moved by one. */
const OLDEST_FACTOR = Array.from({ length: WINDOW }).reduce<number>(
  (factor) => imul(factor, HASH_BASE),
  1,
);

const updateHash = (hash: number, removed: number, added: number): number =>
  (imul(hash, HASH_BASE) + added - imul(removed, OLDEST_FACTOR)) | 0;

/** Multiplies once more: the last character has changed only the lowest bits. */
const slotOf = (hash: number): number => imul(hash, HASH_BASE) >>> (32 - SLOT_BITS);

const excerpt = (text: string, at: number, { text: { length } }: EncodedSecret): string =>
  text.slice(Math.max(0, at - CONTEXT_LENGTH), at + length + CONTEXT_LENGTH);
