import type { SimulationResult } from './traffic-simulation.js';

/**
 * The rows of the table in docs/fraud-protection.md, without the spaces that align its columns. After
 * the name of a case come the messages that people requested, how many of these were blocked, the
 * messages that bots requested, and how many of these were sent.
 */
export function renderResultRows(results: ReadonlyMap<string, SimulationResult>): string {
  return [...results]
    .map(([name, { person, bot }]) =>
      renderRow(
        name,
        formatCount(person.requested, person.requested),
        formatCount(person.requested, person.blocked),
        formatCount(bot.requested, bot.requested),
        formatCount(bot.requested, bot.requested - bot.blocked),
      ),
    )
    .join('\n');
}

const renderRow = (...cells: string[]): string => `| ${cells.join(' | ')} |`;

/** A number with thousands separators; a dash if nothing was requested. */
const formatCount = (requested: number, count: number): string =>
  requested === 0 ? '–' : count.toLocaleString('en-US');
