/**
 * Loads every entry point of the installed package. That must leave nothing behind: no handle that would keep the process
 * alive, no new or changed global, and nothing patched, neither in the language nor in Node.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";

const require = createRequire(import.meta.url);
const { name, exports } = JSON.parse(
  readFileSync(new URL("../../node_modules/@ballast/runtime/package.json", import.meta.url), "utf8"),
);

/** What libraries of this kind are known to patch. */
const MODULES = [
  "async_hooks",
  "child_process",
  "dns",
  "dns/promises",
  "events",
  "http",
  "net",
  "timers",
  "tls",
];

/** The properties of all globals, of their prototypes, and of those modules, by path. */
function properties(): Map<string, unknown> {
  const found = new Map<string, unknown>();
  function look(path: string, value: unknown): void {
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return;
    for (const key of Reflect.ownKeys(value)) {
      const { get, value: own } = Reflect.getOwnPropertyDescriptor(value, key)!;
      found.set(`${path}.${String(key)}`, get ?? own);
    }
  }
  look("globalThis", globalThis);
  for (const key of Object.getOwnPropertyNames(globalThis)) {
    const value = Reflect.get(globalThis, key);
    look(key, value);
    if (typeof value === "function") look(`${key}.prototype`, value.prototype);
  }
  for (const id of MODULES) look(id, require(`node:${id}`));
  return found;
}

/** Paths of what differs between two looks. */
function differences(one: Map<string, unknown>, other: Map<string, unknown>): string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((path) =>
    one.has(path) !== other.has(path) || !Object.is(one.get(path), other.get(path))
  );
}

properties(); // Some globals are made when they are first looked at,
const restless = differences(properties(), properties()); // and some are new at every look.
const before = properties();
const handles = process.getActiveResourcesInfo();
for (const entry of Object.keys(exports)) {
  assert.notEqual(Object.keys(await import(name + entry.slice(1))).length, 0, `${entry} exports nothing`);
}
assert.deepEqual(process.getActiveResourcesInfo(), handles);
const changed = differences(before, properties()).filter((path) =>
  // LogTape keeps its configuration under symbols of its own, so that all copies of it in a process share one.
  !restless.includes(path) && !path.includes(".Symbol(logtape.")
);
assert.deepEqual(changed, []);
assert.ok(before.size - restless.length > 1_000, "the walk found the globals");
