/** A secret that was found where it does not belong. */
export interface Match {
  readonly kind: string;
  /** How it was written there. */
  readonly form: string;
  /** What it stood in. */
  readonly context: string;
}

/** A spelling of a secret, as it would stand in a text. */
interface Form {
  readonly name: string;
  readonly text: string;
}

/** Texts are compared by so many characters at once: no form may be shorter. */
const GRAM = 8;
/** Odd, with bits all over: 2³² by the golden ratio. */
const HASH_BASE = 0x9e_37_79_b1;
const SLOTS_BITS = 24;
const SHOWN = 60;

/** By its own name: jest looks a global up anew each time, which takes longer than all else here. */
const { imul } = Math;

/**
 * Looks for a great many secrets in a long text in one pass: the hash of the last few characters is
 * carried along (Rabin and Karp's), and only where it is that of the beginning of some form, the
 * forms that begin so are compared. Case does not matter.
 */
export class SecretScanner {
  private readonly known = new Set<string>();
  private readonly byGram = new Map<string, (Form & { readonly kind: string })[]>();
  private readonly slots = new Uint8Array(2 ** SLOTS_BITS);

  /** From now on this secret is looked for, in all its forms. */
  add(kind: string, secret: string): void {
    if (this.known.has(secret)) return;
    this.known.add(secret);
    for (const { name, text } of formsOf(secret)) {
      const form = text.toLowerCase();
      if (form.length < GRAM) throw new Error(`${kind} is too short to be told from chance`);
      const gram = form.slice(0, GRAM);
      this.slots[slotOf(hashOf(gram))] = 1;
      const others = this.byGram.get(gram);
      const needle = { kind, name, text: form };
      if (others) others.push(needle);
      else this.byGram.set(gram, [needle]);
    }
  }

  /** The secrets in a text, each place once. */
  scan(text: string): Match[] {
    const hay = text.toLowerCase();
    const finds: Match[] = [];
    let hash = hashOf(hay.slice(0, GRAM));
    for (let at = 0; at + GRAM <= hay.length; at += 1) {
      if (this.slots[slotOf(hash)] === 1) {
        const form = this.byGram
          .get(hay.slice(at, at + GRAM))
          ?.find((each) => hay.startsWith(each.text, at));
        if (form)
          finds.push({ kind: form.kind, form: form.name, context: excerpt(text, at, form) });
      }
      hash = slid(hash, hay.charCodeAt(at), hay.charCodeAt(at + GRAM));
    }
    return finds;
  }
}

/** Every way in which a text is usually written inside another. */
function formsOf(secret: string): Form[] {
  const json = inJson(secret);
  const bytes = Buffer.from(secret);
  return distinct([
    { name: 'as it is', text: secret },
    { name: 'in JSON', text: json },
    { name: 'in JSON in JSON', text: inJson(json) },
    { name: 'in ASCII JSON', text: inAscii(json) },
    { name: 'in a URL', text: encodeURIComponent(secret) },
    { name: 'in a form', text: new URLSearchParams([['', secret]]).toString().slice(1) },
    { name: 'in hex', text: bytes.toString('hex') },
    ...[0, 1, 2].flatMap((offset) => [
      { name: `in base64, ${String(offset)} on`, text: inBase64(bytes, offset, 'base64') },
      { name: `in base64url, ${String(offset)} on`, text: inBase64(bytes, offset, 'base64url') },
    ]),
  ]);
}

const distinct = (forms: readonly Form[]): Form[] => [
  ...new Map(forms.map((form) => [form.text, form])).values(),
];

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

const inAscii = (text: string): string =>
  text.replace(
    /[^\0-\x7f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/**
 * What surely stands in the base64 of bytes that hold these `offset` bytes after a multiple of
 * three: the characters at both ends depend on the neighbours, too.
 */
function inBase64(bytes: Buffer, offset: number, alphabet: 'base64' | 'base64url'): string {
  const whole = Buffer.concat([Buffer.alloc(offset), bytes]);
  return whole
    .toString(alphabet)
    .slice(Math.ceil((offset * 8) / 6), Math.floor((whole.length * 8) / 6));
}

const hashOf = (gram: string): number => {
  let hash = 0;
  for (let i = 0; i < gram.length; i += 1) {
    hash = (imul(hash, HASH_BASE) + gram.charCodeAt(i)) | 0;
  }
  return hash;
};

/** What the first of a gram's characters weighs, once another one stands behind them all. */
const WEIGHT_OF_GONE = Array.from({ length: GRAM }).reduce<number>(
  (weight) => imul(weight, HASH_BASE),
  1,
);

const slid = (hash: number, gone: number, come: number): number =>
  (imul(hash, HASH_BASE) + come - imul(gone, WEIGHT_OF_GONE)) | 0;

/** The last character has moved only the lowest bits, so they are spread once more. */
const slotOf = (hash: number): number => imul(hash, HASH_BASE) >>> (32 - SLOTS_BITS);

const excerpt = (text: string, at: number, { text: { length } }: Form): string =>
  text.slice(Math.max(0, at - SHOWN), at + length + SHOWN);
