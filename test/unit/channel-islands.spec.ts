import { readFileSync } from 'node:fs';
import { phoneNumber } from '../support/phone-number.js';

/** The countries of the numbers that begin with `prefix`, and the eight-character prefixes of each country. */
function findCountries(prefix: string): Map<string, Set<string>> {
  const countries = new Map<string, Set<string>>();
  for (let block = 0; block < 1_000; block += 1) {
    const e164 = `${prefix}${String(block).padStart(3, '0')}`.padEnd('+447911123456'.length, '0');
    const { country } = phoneNumber(e164);
    const digits = countries.get(country) ?? new Set();
    countries.set(country, digits.add(e164.slice(0, '+44791'.length + 2)));
  }
  return countries;
}

describe('docs/troubleshooting.md', () => {
  const text = readFileSync('docs/troubleshooting.md', 'utf8').replaceAll(/\s+/g, ' ');

  // Fails when libphonenumber moves a block: then correct the page.
  it('says which blocks of +44 are numbers of Guernsey, Jersey and the Isle of Man', () => {
    expect(text).toContain(
      "libphonenumber counts +44 7781, +44 79111 and +44 79117 as Guernsey's, but the rest of +44 7911 as `GB`. It counts +44 7797 as Jersey's, and +44 7624 as the Isle of Man's.",
    );
    expect([...findCountries('+447781').keys()]).toEqual(['GG']);
    expect([...findCountries('+447797').keys()]).toEqual(['JE']);
    expect([...findCountries('+447624').keys()]).toEqual(['IM']);
    const blocks = findCountries('+447911');
    expect([...blocks.keys()].sort()).toEqual(['GB', 'GG']);
    expect([...(blocks.get('GG') ?? [])].sort()).toEqual(['+4479111', '+4479117']);
    // The other eight of the ten blocks from +44 79110 to +44 79119.
    expect(blocks.get('GB')?.size).toBe(8);
  });
});
