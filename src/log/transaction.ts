/**
 * Transactions: things that take time and end well or badly. Each gives one record and one timing, from one
 * call.
 *
 * @module
 */

import type { Labels, Stats } from "../stats/mod.ts";
import type { Fields, Level, LogRecord } from "./record.ts";

/** How a transaction is recorded. */
export interface TransactionOptions {
  /**
   * Fields that become labels of the statistic: few, and of few values. The label `outcome` is always there:
   * "success" or "failure", unless a field of that name says more.
   *
   * @default none
   */
  readonly labels?: readonly string[];
  /** The level of a success. @default "debug" */
  readonly success?: Level;
  /** The level of a failure. @default "warn" */
  readonly failure?: Level;
  /** Where the duration is counted. @default the log's */
  readonly stats?: Stats;
}

/** Something under way. Only its first end counts. */
export interface Transaction {
  /** How long it has been going on, or took. */
  readonly elapsedMs: number;
  /** It went well. */
  success(fields?: Fields): void;
  /** It failed, with `error`: anything that may be thrown. */
  failure(error: unknown, fields?: Fields): void;
}

/** The labels of a transaction's timing. */
export function timingLabels(names: readonly string[] = [], { fields, outcome }: LogRecord): Labels {
  const labels: Record<string, string> = { outcome: outcome! };
  for (const name of [...names, "outcome"]) {
    if (Object.hasOwn(fields, name)) labels[name] = String(fields[name]);
  }
  return labels;
}
