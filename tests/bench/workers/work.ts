/** The work of all sides. */

/** Computes for so long. */
export function burn(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Parses a text and gives a number. */
export function reduce(text: string): number {
  return (JSON.parse(text) as { value: number }[]).reduce((sum, { value }) => sum + value, 0);
}
