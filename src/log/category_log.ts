/**
 * The log of one category, on what it shares with all its kin.
 *
 * @module
 */

import { show } from "../errors.ts";
import { unknownAction } from "../report.ts";
import type { Category } from "./categories.ts";
import type { Core } from "./core.ts";
import { ingestedRecord } from "./ingest.ts";
import type { Log } from "./log.ts";
import { logReport, SET_LEVEL } from "./log_report.ts";
import { logSnapshot } from "./log_snapshot.ts";
import type { Fields, Level, LogRecord, Threshold } from "./record.ts";
import { codeOf, OpenTransaction, type TransactionOptions } from "./transaction.ts";

const CLOSE_WITHIN_MS = 5_000;
const NO_OPTIONS: TransactionOptions = Object.freeze({});

/** Makes the log of a category; `root` is that of the log that was created. */
export function categoryLog(core: Core, category: Category, root: Category): Log {
  const { levels, journal } = core.parts;
  const write = (level: Level) => (message: string, fields?: Fields): void =>
    core.write(category, level, message, fields);
  const close = () => core.close(CLOSE_WITHIN_MS);

  return {
    category: category.path,
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (component) => categoryLog(core, below(core, category, checkComponent(component)), root),
    begin: (event, fields, options = NO_OPTIONS) =>
      new OpenTransaction(core, category, category.event(event), fields, options),
    setLevel: (of, level) => levels.set(of, level),
    isEnabled: (level) => category.lets(level),
    ingest: (given, fields) => ingest(core, root, given, fields),
    get events() {
      return core.events;
    },
    recent: (options) => journal.recent(options),
    report: () => logReport(core),
    act(id, { category: of = "", level = "" }) {
      if (id !== SET_LEVEL) throw unknownAction("log", id);
      levels.set(of, level === "" ? undefined : level as Threshold);
      return { category: of, level: levels.of(of).level };
    },
    snapshot: () => logSnapshot(core),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function below(core: Core, category: Category, component: string): Category {
  return core.categories.get([...category.path, component], () => category.target.child(component));
}

function ingest(core: Core, root: Category, given: unknown, fields: Fields | undefined): boolean {
  const record = ingestedRecord(given, fields, core.parts.redactor);
  if (record === undefined) {
    core.refused++;
    return false;
  }
  const isOurs = root.path.every((part, i) => record.category[i] === part);
  const path = isOurs ? record.category.slice(root.path.length) : record.category;
  const category = path.reduce((above, part) => below(core, above, part), root);
  const { level, event, error, message } = record;
  if (!category.lets(level)) return true;
  const { suppressed } = record;
  if (suppressed !== undefined) {
    // It only says how many there were, and those count here as they did there.
    core.totals[level] += suppressed;
    category.totals[level] += suppressed;
  } else {
    const kind = event === undefined
      ? category.kind(level, message)
      : category.event(event).kind(level, error ? codeOf(error) : "");
    if (!core.admits(category, level, kind)) return true;
  }
  deliverIngested(core, category, { ...record, category: category.path });
  return true;
}

function deliverIngested(core: Core, category: Category, record: LogRecord): void {
  const { event, durationMs, outcome, error, fields } = record;
  core.deliver(category, record, () => ({
    ...(event !== undefined && { event }),
    ...(durationMs !== undefined && { durationMs }),
    ...(outcome !== undefined && { outcome }),
    ...(error !== undefined && { error }),
    ...fields,
  }));
}

/**
 * Returns `component` when it can be a part of a category.
 *
 * @throws {TypeError} when it is no text, or an empty one
 */
export function checkComponent(component: unknown): string {
  if (typeof component === "string" && component !== "") return component;
  throw new TypeError(
    `a part of a category must be a text of at least one character, got ${show(component)}`,
  );
}
