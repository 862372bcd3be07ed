/**
 * Formats each row as one line. Pads each column to its widest cell, two spaces apart.
 * @param numeric indexes of columns that are aligned to the right
 */
export function alignColumns(
  rows: readonly (readonly string[])[],
  numeric: readonly number[] = [],
): string[] {
  const getWidth = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        numeric.includes(column) ? cell.padStart(getWidth(column)) : cell.padEnd(getWidth(column)),
      )
      .join('  ')
      .trimEnd(),
  );
}
