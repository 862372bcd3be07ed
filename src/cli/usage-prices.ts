import { readFileSync } from 'node:fs';
import Joi from 'joi';
import { CHANNELS } from '../common/channel.js';
import { isCountry, NON_GEOGRAPHIC } from '../common/phone-number.js';
import { PROVIDER_NAMES } from '../common/provider-name.js';
import type { Usage } from '../storage/usage-counts.js';

/**
 * Prices have at most six decimals. So costs are counted in millionths, and their sums are exact.
 */
const PRICE_DECIMALS = 6;
const MILLION = 10 ** PRICE_DECIMALS;
/** The key of the prices for every country that the list does not name. */
const OTHER_COUNTRIES = '*';

/** Prices of a message in units of the currency, by country and channel. */
type PriceList = Readonly<Record<string, Readonly<Record<string, number>>>>;

interface PriceFile {
  readonly currency: string;
  readonly prices: PriceList;
  readonly providers?: Readonly<Record<string, PriceList>>;
}

const COUNTRY_SCHEMA = Joi.string().custom((code: string, helpers) =>
  [OTHER_COUNTRIES, NON_GEOGRAPHIC].includes(code) || isCountry(code)
    ? code
    : helpers.error('any.invalid'),
);
const PRICES_SCHEMA = Joi.object().pattern(
  COUNTRY_SCHEMA,
  Joi.object().pattern(
    Joi.valid(...CHANNELS),
    Joi.number().min(0).max(1_000).precision(PRICE_DECIMALS),
  ),
);
const FILE_SCHEMA = Joi.object<PriceFile>({
  currency: Joi.string()
    .pattern(/^[A-Z]{3}$/)
    .message('{#label} must be a code such as EUR')
    .required(),
  prices: PRICES_SCHEMA.required(),
  providers: Joi.object().pattern(Joi.valid(...PROVIDER_NAMES), PRICES_SCHEMA),
}).label('the file');

/** The prices of messages, from the file of `--prices`. */
export class Prices {
  private constructor(private readonly file: PriceFile) {}

  /** @throws Error if the file cannot be read, or is not as docs/usage.md says. */
  static read(path: string): Prices {
    try {
      const result = FILE_SCHEMA.validate(JSON.parse(readFileSync(path, 'utf8')), {
        abortEarly: false,
        convert: false,
        errors: { wrap: { label: false } },
      });
      if (result.error) throw result.error;
      return new Prices(result.value);
    } catch (error) {
      throw new Error(`The prices cannot be read: ${(error as Error).message}.`, { cause: error });
    }
  }

  /** An ISO 4217 code. */
  get currency(): string {
    return this.file.currency;
  }

  /**
   * The cost of sends, by the price of their country and channel. Prices of the sends' provider come
   * before those of all providers, and the price of a country before that of `*`.
   * @returns millionths of the currency's unit; `undefined` if the file has no price for these sends
   */
  getCost({ country, provider, channel, sends }: Usage): bigint | undefined {
    const { prices, providers } = this.file;
    const price = [providers?.[provider], prices]
      .flatMap((list) => [list?.[country]?.[channel], list?.[OTHER_COUNTRIES]?.[channel]])
      .find((found) => found !== undefined);
    if (price === undefined) return sends === 0 ? 0n : undefined;
    return BigInt(sends) * BigInt(Math.round(price * MILLION));
  }
}

const MIN_DECIMALS = 2;
const MAX_DECIMALS = 4;

/**
 * Formats costs in millionths as decimals, rounded to four places at most. All have the same number of
 * places: as few as they need, but at least two.
 */
export function formatCosts(costs: readonly bigint[]): string[] {
  const rounded = costs.map((cost) => roundTo(cost, MAX_DECIMALS));
  let decimals = MIN_DECIMALS;
  while (rounded.some((cost) => cost % 10n ** BigInt(MAX_DECIMALS - decimals) !== 0n)) {
    decimals += 1;
  }
  return costs.map((cost) => toDecimal(roundTo(cost, decimals), decimals));
}

/**
 * Rounds a cost in millionths half up.
 * @returns the cost without its decimal point: 12 for 0.12 with two decimals
 */
function roundTo(cost: bigint, decimals: number): bigint {
  const unit = 10n ** BigInt(PRICE_DECIMALS - decimals);
  return (cost + unit / 2n) / unit;
}

/** @param units the cost without its decimal point */
function toDecimal(units: bigint, decimals: number): string {
  const digits = units.toString().padStart(decimals + 1, '0');
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}
