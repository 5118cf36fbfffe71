/**
 * Keys, from what a terminal sends for them.
 *
 * @module
 */

const SEQUENCES: Readonly<Record<string, string>> = {
  "[A": "up",
  "[B": "down",
  "[C": "right",
  "[D": "left",
  "[H": "home",
  "[F": "end",
  "[1~": "home",
  "[4~": "end",
  "[5~": "pageup",
  "[6~": "pagedown",
  "[Z": "backtab",
  OA: "up",
  OB: "down",
  OC: "right",
  OD: "left",
  OH: "home",
  OF: "end",
};
const CONTROLS: Readonly<Record<string, string>> = {
  "\x03": "ctrl-c",
  "\x1a": "ctrl-z",
  "\t": "tab",
  "\x1b": "escape",
  "\x02": "pageup",
  "\x06": "pagedown",
};

/** The keys of a piece of input, in order; what means nothing is passed over. */
export function readKeys(input: string): string[] {
  // deno-lint-ignore no-control-regex
  const pieces = input.matchAll(/\x1b(\[[\d;]*[A-Za-z~]|O[A-Za-z])|[^]/gu);
  return [...pieces].flatMap(([all, sequence]) => {
    if (sequence !== undefined) return SEQUENCES[sequence] ?? [];
    return CONTROLS[all] ?? (all >= " " ? all : []);
  });
}
