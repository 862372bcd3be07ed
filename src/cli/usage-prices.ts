import { readFileSync } from 'node:fs';
import Joi from 'joi';
import { CHANNELS } from '../common/channel.js';
import { isCountry, NON_GEOGRAPHIC } from '../common/phone-number.js';
import { PROVIDER_NAMES } from '../common/provider-name.js';
import type { Usage } from '../storage/usage-counts.js';

/** A price has at most six decimals, so that sums of prices are exact. */
const DECIMALS = 6;
const UNITS_PER_WHOLE = 10 ** DECIMALS;
/** The countries that the list does not name. */
const OTHER_COUNTRIES = '*';

/** Prices of a message, by country and channel. */
type PriceList = Readonly<Record<string, Readonly<Record<string, number>>>>;

interface PriceFile {
  readonly currency: string;
  readonly prices: PriceList;
  readonly providers?: Readonly<Record<string, PriceList>>;
}

const COUNTRY = Joi.string().custom((code: string, helpers) =>
  [OTHER_COUNTRIES, NON_GEOGRAPHIC].includes(code) || isCountry(code)
    ? code
    : helpers.error('any.invalid'),
);
const PRICES = Joi.object().pattern(
  COUNTRY,
  Joi.object().pattern(Joi.valid(...CHANNELS), Joi.number().min(0).max(1_000).precision(DECIMALS)),
);
const FILE = Joi.object<PriceFile>({
  currency: Joi.string()
    .pattern(/^[A-Z]{3}$/)
    .message('{#label} must be a code such as EUR')
    .required(),
  prices: PRICES.required(),
  providers: Joi.object().pattern(Joi.valid(...PROVIDER_NAMES), PRICES),
}).label('the file');

/** What messages cost. */
export class Prices {
  private constructor(private readonly file: PriceFile) {}

  /** @throws Error if the file cannot be read, or is not as docs/usage.md says. */
  static read(path: string): Prices {
    try {
      const result = FILE.validate(JSON.parse(readFileSync(path, 'utf8')), {
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
   * The cost of sends in millionths, by the price of their country and channel. Those of the provider
   * come first. `undefined` if the file has no price.
   */
  getCost({ country, provider, channel, sends }: Usage): bigint | undefined {
    const { prices, providers } = this.file;
    const price = [providers?.[provider], prices]
      .flatMap((list) => [list?.[country]?.[channel], list?.[OTHER_COUNTRIES]?.[channel]])
      .find((found) => found !== undefined);
    if (price === undefined) return sends === 0 ? 0n : undefined;
    return BigInt(sends) * BigInt(Math.round(price * UNITS_PER_WHOLE));
  }
}

const MIN_DECIMALS = 2;
const MAX_DECIMALS = 4;

/** Costs as decimals: all with two to four, as few as show each of them. */
export function formatCosts(costs: readonly bigint[]): string[] {
  const rounded = costs.map((cost) => roundTo(cost, MAX_DECIMALS));
  let decimals = MIN_DECIMALS;
  while (rounded.some((cost) => cost % 10n ** BigInt(MAX_DECIMALS - decimals) !== 0n)) {
    decimals += 1;
  }
  return costs.map((cost) => toDecimal(roundTo(cost, decimals), decimals));
}

/** Rounds half up. @returns a count of the smallest units that are left */
function roundTo(cost: bigint, decimals: number): bigint {
  const unit = 10n ** BigInt(DECIMALS - decimals);
  return (cost + unit / 2n) / unit;
}

function toDecimal(units: bigint, decimals: number): string {
  const digits = units.toString().padStart(decimals + 1, '0');
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}
