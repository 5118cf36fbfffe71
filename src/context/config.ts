/**
 * Configuration: what may be set, what is, and where it came from.
 *
 * @module
 */

import { checkNumber, show } from "../errors.ts";

/** The types a setting may have. */
export type SettingType = "string" | "number" | "boolean";

/** One setting: what it is, and where it may come from. */
export interface Setting<T extends SettingType = SettingType> {
  /** What it holds. From the environment: `true`, `false`, `1`, `0`, `yes`, `no`, `on`, `off` for a boolean. */
  readonly type: T;
  /** What it is where nobody sets it. A setting with neither this nor `optional` has to be set. */
  readonly default?: ValueOf<T>;
  /** Whether it may be left unset. @default false */
  readonly optional?: boolean;
  /** The variable of the environment that sets it. @default none does */
  readonly env?: string;
  /** Smallest number allowed. @default -Infinity */
  readonly min?: number;
  /** Largest number allowed. @default Infinity */
  readonly max?: number;
  /** The only values allowed. @default any of the type */
  readonly oneOf?: readonly ValueOf<T>[];
  /** Whether listings, pages and error texts may show its value. A secret is one by default. @default false */
  readonly shown?: boolean;
  /** What it is for, in a few words. */
  readonly about?: string;
}

/** The value of a setting of a type. */
export type ValueOf<T extends SettingType> = T extends "string" ? string
  : T extends "number" ? number
  : boolean;

/** Settings by name. */
export type Schema = Readonly<
  Record<string, Setting<"string"> | Setting<"number"> | Setting<"boolean">>
>;

/** The values of a schema's settings. */
export type ValuesOf<S extends Schema> = {
  readonly [K in keyof S]: S[K] extends { readonly optional: true }
    ? (S[K] extends { readonly default: string | number | boolean } ? ValueOf<S[K]["type"]>
      : ValueOf<S[K]["type"]> | undefined)
    : ValueOf<S[K]["type"]>;
};

/** Where the value of a setting came from; `unset` has none. */
export type SettingSource = "given" | "environment" | "default" | "unset";

/** One line of the listing. */
export interface ConfigEntry {
  /** The setting. */
  readonly name: string;
  /** Where its value came from. */
  readonly source: SettingSource;
  /** The variable of the environment that sets it, whether or not it does. */
  readonly env?: string;
  /** Its value, if it may be shown. */
  readonly value?: string | number | boolean;
  /** Whether there is a value that may not be shown. */
  readonly hidden: boolean;
  /** What it is for. */
  readonly about?: string;
}

/** Settings that have their values. */
export interface Config<V extends object = Readonly<Record<string, unknown>>> {
  /** The values, frozen. */
  readonly values: V;
  /** What is set and where from, in the schema's order; no value that may not be shown. */
  readonly listing: readonly ConfigEntry[];
}

/** Where the values of {@linkcode defineConfig} come from, the strongest first. */
export interface ConfigSources {
  /** Values the program sets. @default none */
  readonly given?: Readonly<Record<string, unknown>>;
  /** The environment's variables: `Deno.env.toObject()`, `process.env`, a worker's bindings. @default none is read */
  readonly env?: Readonly<Record<string, unknown>>;
}

/**
 * Finds the value of every setting: what the program gives, else what the environment says, else the default.
 *
 * @example What is set, and where from
 * ```ts
 * import assert from "node:assert/strict";
 * import { createContext, defineConfig } from "@ballast/runtime/context";
 *
 * const config = defineConfig({
 *   port: { type: "number", default: 8888, min: 0, max: 65_535, env: "PORT", shown: true },
 *   region: { type: "string", default: "eu", env: "REGION", shown: true },
 *   databaseUrl: { type: "string", env: "DATABASE_URL" },
 * }, { env: { PORT: "9000", DATABASE_URL: "postgres://shop:secret@db" } });
 *
 * const port: number = config.values.port;
 * assert.equal(port, 9000);
 * assert.deepEqual(config.listing.map(({ name, source, value }) => [name, source, value]), [
 *   ["port", "environment", 9000],
 *   ["region", "default", "eu"],
 *   ["databaseUrl", "environment", undefined],
 * ]);
 * createContext({ name: "shop", config }).close();
 * ```
 * @throws {TypeError} when settings are missing, unknown or of the wrong kind: one text that names all of them
 */
export function defineConfig<const S extends Schema>(
  schema: S,
  { given = {}, env = {} }: ConfigSources = {},
): Config<ValuesOf<S>> {
  const values: Record<string, unknown> = {};
  const listing: ConfigEntry[] = [];
  const wrong: string[] = Object.keys(given).filter((name) => !Object.hasOwn(schema, name)).map((name) =>
    `${name} is no setting, wanted one of ${Object.keys(schema).join(", ")}`
  );
  for (const [name, setting] of Object.entries<Setting>(schema)) {
    try {
      const { source, value } = find(name, setting, given, env);
      values[name] = value;
      listing.push(entry(name, setting, source, value));
    } catch (error) {
      wrong.push((error as Error).message);
    }
  }
  if (wrong.length > 0) throw new TypeError(`the configuration is not valid: ${wrong.join("; ")}`);
  const config = Object.freeze({
    values: Object.freeze(values) as ValuesOf<S>,
    listing: Object.freeze(listing),
  });
  defined.add(config);
  return config;
}

const defined = new WeakSet<object>();

/** Whether it is the result of {@linkcode defineConfig}. */
export function isConfig(config: object): config is Config {
  return defined.has(config);
}

/** The settings of a plain record: all given, none that may be shown. */
export function plainConfig(values: Readonly<Record<string, unknown>>): Config {
  return {
    values: Object.freeze({ ...values }),
    listing: Object.keys(values).map((name) => ({ name, source: "given", hidden: true })),
  };
}

function find(
  name: string,
  setting: Setting,
  given: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, unknown>>,
): { source: SettingSource; value: unknown } {
  const variable = setting.env;
  if (Object.hasOwn(given, name) && given[name] !== undefined) {
    return { source: "given", value: checked(name, setting, given[name]) };
  }
  // A variable that is set to nothing is not set: so it is written to take one back.
  if (variable !== undefined && typeof env[variable] === "string" && env[variable] !== "") {
    const label = `${variable} (${name})`;
    return { source: "environment", value: checked(label, setting, parsed(setting, env[variable])) };
  }
  if (setting.default !== undefined) {
    return { source: "default", value: checked(name, setting, setting.default) };
  }
  if (setting.optional) return { source: "unset", value: undefined };
  throw new TypeError(
    `${name} is not set${variable === undefined ? "" : `, nor is ${variable} in the environment`}`,
  );
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  false: false,
  1: true,
  0: false,
  yes: true,
  no: false,
  on: true,
  off: false,
};

/** What a text means; a text that means nothing stays one, and is refused for its type. */
function parsed({ type }: Setting, text: string): unknown {
  const trimmed = text.trim();
  switch (type) {
    case "number":
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : text;
    case "boolean": {
      const word = trimmed.toLowerCase();
      return Object.hasOwn(BOOLEANS, word) ? BOOLEANS[word] : text;
    }
    default:
      return text;
  }
}

function checked(name: string, setting: Setting, value: unknown): unknown {
  const { type, min = -Infinity, max = Infinity, oneOf, shown } = setting;
  // A secret is not shown because it is mistyped either.
  const got = shown ? `got ${show(value)}` : "got something else (not shown)";
  const kind: string = typeof value;
  if (kind !== type) throw new TypeError(`${name} must be a ${type}, ${got}`);
  if (oneOf !== undefined && !(oneOf as readonly unknown[]).includes(value)) {
    throw new TypeError(`${name} must be one of ${oneOf.map(show).join(", ")}, ${got}`);
  }
  if (type !== "number") return value;
  if (shown) return checkNumber(name, value, { min, max });
  if (!(value as number >= min && value as number <= max)) {
    throw new RangeError(`${name} must be a number from ${min} to ${max}, ${got}`);
  }
  return value;
}

function entry(name: string, setting: Setting, source: SettingSource, value: unknown): ConfigEntry {
  const { env, shown = false, about } = setting;
  return Object.freeze({
    name,
    source,
    env,
    value: shown ? value as ConfigEntry["value"] : undefined,
    hidden: !shown && value !== undefined,
    about,
  });
}
