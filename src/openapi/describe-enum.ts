/** The options of an `@ApiProperty` for an enum. The description lists what each value means. */
export function describeEnum<Word extends string>(
  description: string,
  meanings: Readonly<Record<Word, string>>,
): { enum: string[]; description: string; examples: string[] } {
  const words = Object.keys(meanings);
  return {
    enum: words,
    description: `${description}\n\n${listMeanings(meanings)}`,
    examples: words.slice(0, 1),
  };
}

/** A Markdown list of words and their meanings. */
export const listMeanings = (meanings: Readonly<Record<string, string>>): string =>
  Object.entries(meanings)
    .map(([word, meaning]) => `- \`${word}\`: ${meaning}`)
    .join('\n');
