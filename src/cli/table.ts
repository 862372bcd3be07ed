/**
 * Pads each column to its widest cell, two spaces apart.
 * @param numeric indexes of columns that are aligned to the right
 */
export function alignColumns(
  rows: readonly (readonly string[])[],
  numeric: readonly number[] = [],
): string[] {
  const widthOf = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        numeric.includes(column) ? cell.padStart(widthOf(column)) : cell.padEnd(widthOf(column)),
      )
      .join('  ')
      .trimEnd(),
  );
}
