/** Rows under headings, in columns as wide as their content: numbers to the right, words to the left. */

/** One cell; a number is shown with its thousands apart. */
export type Cell = number | string | undefined;

const NUMBER = /^[\d.,]+( [kMG]?B)?$/;

/** The lines of a table. `undefined` is shown as `-`. */
export function tableLines(headings: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const texts = rows.map((row) => headings.map((_, column) => cellText(row[column])));
  const columns = headings.map((heading, column) => {
    const cells = texts.map((row) => row[column] ?? "");
    return {
      width: Math.max(heading.length, ...cells.map(({ length }) => length)),
      right: cells.some((cell) => NUMBER.test(cell)) && cells.every((cell) => cell === "-" || NUMBER.test(cell)),
    };
  });
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const { width, right } = columns[column] ?? { width: 0, right: false };
        return right ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  return [line(headings), columns.map(({ width }) => "-".repeat(width)).join("  "), ...texts.map(line)];
}

function cellText(cell: Cell): string {
  return typeof cell === "number" ? countText(cell) : (cell ?? "-");
}

/** `1234567` as `1,234,567`, whatever the locale. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** A number of bytes for people: three digits and a decimal unit. */
export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
