/**
 * The meta app: one window into a running service, without a login on the machine. It renders what the components of
 * a runtime report of themselves, as pages for people and as JSON for programs.
 *
 * @example Look into a runtime
 * ```ts
 * import assert from "node:assert/strict";
 * import { createMetaApp, type MetaRuntime } from "@ballast/runtime/meta";
 * import { simulatedClock } from "@ballast/runtime/testing";
 *
 * const clock = simulatedClock();
 * const runtime: MetaRuntime = {
 *   name: "payments",
 *   state: "ready",
 *   startedAt: clock.now(),
 *   platform: { name: "web", version: "", clock, capabilities: [], processInfo: () => undefined },
 *   reports: { ids: [], get: () => undefined, findings: () => [] },
 *   stats: { openMetrics: () => "# EOF\n" },
 * };
 *
 * const meta = createMetaApp(runtime);
 * const overview = await (await meta.request("/?format=json")).json();
 * assert.deepEqual([overview.name, overview.findings], ["payments", []]);
 * assert.equal((await meta.request("/readyz")).status, 200);
 * ```
 *
 * @module
 */

export { createMetaApp, type MetaAppOptions } from "./app.ts";
export type { MetaRuntime } from "./runtime.ts";
export type { PageUpdate, SectionUpdate } from "./live_page.ts";
export type { MetaFacts, Overview, ReportLine, Route } from "./overview_page.ts";
export type { Problem } from "./problem.ts";

// How the pages write values, for whoever renders reports elsewhere.
export {
  formatBytes,
  formatDuration,
  formatIsoTime,
  formatNumber,
  formatRatio,
  formatRelativeTime,
  formatUnit,
} from "./format.ts";

// What the JSON of the pages is made of.
export type { Capability, ProcessInfo } from "../platform/port.ts";
export type {
  Action,
  ActionField,
  Cell,
  Fact,
  Finding,
  Histogram,
  Report,
  ReportTable,
  Series,
  Severity,
  StateMachine,
  Tone,
} from "../report.ts";
export type { LocatedFinding } from "../reports.ts";
