import type { SimulationResult } from './traffic-simulation.js';

/** The table of docs/fraud-protection.md, without the spaces that align its columns. */
export function renderResultTable(outcomes: ReadonlyMap<string, SimulationResult>): string {
  return [...outcomes]
    .map(([name, { person, bot }]) =>
      row(
        name,
        numberOr(person.requested, person.requested),
        numberOr(person.requested, person.blocked),
        numberOr(bot.requested, bot.requested),
        numberOr(bot.requested, bot.requested - bot.blocked),
      ),
    )
    .join('\n');
}

const row = (...cells: string[]): string => `| ${cells.join(' | ')} |`;

/** A number with its thousands marked; a dash where nobody asked. */
const numberOr = (asked: number, count: number): string =>
  asked === 0 ? '–' : count.toLocaleString('en-US');
