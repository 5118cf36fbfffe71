/**
 * Commands and their options: declared once, read from the arguments and explained by `--help`.
 *
 * @module
 */

import { errorMessage, show } from "../../errors.ts";
import type { ArgumentToken, Shell } from "../../platform/shell.ts";
import { suggest } from "./suggest.ts";

/** A command of the program. */
export interface Command<Table extends OptionTable = OptionTable> {
  /** What it is called. */
  readonly name: string;
  /** What stands behind the name, in the usage line. */
  readonly usage: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** What it does, in a few: what a reader of `--help` wants to know first. */
  readonly text: string;
  /** Its options. */
  readonly options: Table;
  /** Lines to copy, and what they do. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** Carries it out; gives the exit code. Throws {@linkcode UsageError}, or any error to end with 1. */
  run(given: Given<Table>, shell: Shell): Promise<number>;
}

/** An option. Without a `value` it is a flag. */
export interface Option<T = unknown> {
  /** What stands for the value in the help: `<n>`. */
  readonly value?: string;
  /** What it is for. */
  readonly help: string;
  /** Its one letter. */
  readonly short?: string;
  /** Whether it may be given several times, or as a list with commas. */
  readonly many?: boolean;
  /** Makes the value of the text. Throws with what the text must be, which then follows the option's name. */
  readonly read: (text: string) => T;
}

/** Options by their names, without hyphens. */
export type OptionTable = Readonly<Record<string, Option>>;

/** What was given. */
export interface Given<Table extends OptionTable> {
  /** The values of the options given. */
  readonly options: { readonly [Name in keyof Table]?: ValueOf<Table[Name]> };
  /** What is no option. */
  readonly operands: readonly string[];
}

type ValueOf<O extends Option> = O extends { readonly many: true } ? ReturnType<O["read"]>[]
  : ReturnType<O["read"]>;

/** A wrong command line: the program ends with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A flag. */
export function flag(help: string, short?: string): Option<true> {
  return { help, read: () => true, ...(short !== undefined && { short }) };
}

/** The options that every command has. */
export const COMMON = { help: flag("this text", "h") } satisfies OptionTable;

/**
 * Reads the arguments of a command.
 *
 * @throws {UsageError} with what is wrong and what was perhaps meant
 */
export function readArguments<Table extends OptionTable>(
  args: readonly string[],
  table: Table,
  shell: Pick<Shell, "tokens">,
): Given<Table & typeof COMMON> {
  const options: OptionTable = { ...table, ...COMMON };
  const names = Object.entries(options).map(([name, { short, value }]) => ({ name, short, value }));
  const tokens = shell.tokens(args, {
    texts: names.filter(({ value }) => value !== undefined),
    flags: names.filter(({ value }) => value === undefined),
  });
  const values: Record<string, unknown> = {};
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") {
      operands.push(token.value);
      continue;
    }
    if (!Object.hasOwn(options, token.name)) throw unknownOption(token.rawName, Object.keys(options));
    const option = options[token.name]!;
    const value = readOption(token, option);
    if (!option.many) values[token.name] = value[0];
    else values[token.name] = [...(values[token.name] as unknown[] | undefined) ?? [], ...value];
  }
  return { options: values, operands } as unknown as Given<Table & typeof COMMON>;
}

function readOption(token: Extract<ArgumentToken, { kind: "option" }>, option: Option): unknown[] {
  const { rawName, value } = token;
  if (option.value === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value, got ${show(value)}`);
    return [option.read("")];
  }
  // `--port --watch` is a value forgotten, and none that begins with hyphens.
  if (value === undefined || /^--?[a-z]/i.test(value)) {
    throw new UsageError(`${rawName} needs a value: ${rawName} ${option.value}`);
  }
  try {
    return (option.many ? value.split(",") : [value]).map(option.read);
  } catch (error) {
    throw new UsageError(`${rawName} ${errorMessage(error)}`);
  }
}

function unknownOption(rawName: string, names: readonly string[]): UsageError {
  const meant = rawName.startsWith("--") ? suggest(rawName.slice(2), names) : undefined;
  return new UsageError(
    `unknown option ${rawName}${meant === undefined ? "" : `; did you mean --${meant}?`}`,
  );
}
