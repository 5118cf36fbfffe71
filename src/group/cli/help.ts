/**
 * The texts of `--help`: plain, and no line longer than a narrow terminal.
 *
 * @module
 */

import type { Command, OptionTable } from "./command.ts";
import { COMMON } from "./command.ts";

/** No line is longer. */
const COLUMNS = 80;
/** Where the explanations of options begin. */
const HELP_AT = 32;

/** What the program is, and its commands. */
export function programHelp(commands: readonly Command[]): string {
  const lines = commands.map(({ name, usage, summary }) => entry(`${name} ${usage}`, summary));
  return [
    "ballast: run a service, check what it is told, watch it work.",
    "",
    "Usage: ballast <command> [options]",
    "",
    "Commands:",
    ...lines,
    "",
    "Options:",
    entry("-h, --help", "this text; of a command with ballast <command> --help"),
    entry("-V, --version", "the version of Ballast and of what runs it"),
    "",
    "Exit codes: 0 all went well; 1 it failed, and one line on stderr says what to do;",
    "2 the command line is wrong. Results go to stdout, messages to stderr.",
    "",
  ].join("\n");
}

/** What a command does, and its options. */
export function commandHelp(command: Command): string {
  const { name, usage, text, options, examples } = command;
  return [
    `Usage: ballast ${name} ${usage}`,
    "",
    ...text.split("\n\n").flatMap((paragraph) => [...wrap(paragraph, COLUMNS), ""]),
    "Options:",
    ...optionLines({ ...options, ...COMMON }),
    ...(examples.length === 0 ? [] : ["", "Examples:"]),
    ...examples.flatMap((
      [line, what],
    ) => [`  ${line}`, ...wrap(what, COLUMNS - 6).map((part) => `      ${part}`)]),
    "",
  ].join("\n");
}

function optionLines(options: OptionTable): string[] {
  return Object.entries(options).map(([name, { short, value, help }]) => {
    const letter = short === undefined ? "    " : `-${short}, `;
    return entry(`${letter}--${name}${value === undefined ? "" : ` ${value}`}`, help);
  });
}

/** A term and its explanation, beside it where it fits, else below it. */
function entry(term: string, help: string): string {
  const indent = " ".repeat(HELP_AT);
  const [first = "", ...rest] = wrap(help, COLUMNS - HELP_AT);
  const head = `  ${term}`;
  const lines = head.length < HELP_AT - 1 ? [head.padEnd(HELP_AT) + first] : [head, indent + first];
  return [...lines, ...rest.map((line) => indent + line)].join("\n");
}

/** Breaks a text into lines between its words. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}
