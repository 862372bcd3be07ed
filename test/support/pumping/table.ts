import type { Outcome } from './simulation.js';

/** The table of docs/fraud-protection.md, without the spaces that align its columns. */
export function describeOutcomes(outcomes: ReadonlyMap<string, Outcome>): string {
  return [...outcomes]
    .map(([name, { person, bot }]) =>
      row(
        name,
        numberOr(person.asked, person.asked),
        numberOr(person.asked, person.refused),
        numberOr(bot.asked, bot.asked),
        numberOr(bot.asked, bot.asked - bot.refused),
      ),
    )
    .join('\n');
}

const row = (...cells: string[]): string => `| ${cells.join(' | ')} |`;

/** A number with its thousands marked; a dash where nobody asked. */
const numberOr = (asked: number, count: number): string =>
  asked === 0 ? '–' : count.toLocaleString('en-US');
