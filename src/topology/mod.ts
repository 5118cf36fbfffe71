/**
 * A topology: one versioned document that says where things are, read from a file or a URL by every service, checked, and
 * applied whole or not at all. Pushing a new version moves traffic; pushing a bad one changes nothing.
 *
 * @example A document in force
 * ```ts
 * import assert from "node:assert/strict";
 * import { watchTopology } from "@ballast/runtime/topology";
 *
 * const document = { schema: 1, version: "7", hosts: { "db.internal": ["10.0.0.4"] } };
 * await using topology = watchTopology({
 *   url: "http://config.internal/topology.json",
 *   fetch: () => Promise.resolve(Response.json(document)),
 * });
 * await topology.reload();
 * assert.equal(topology.current?.version, "7");
 * ```
 *
 * @module
 */

export { checkHostsText, type FileCheck } from "./check_file.ts";
export { checkHostsFile, type HostsFileCheck } from "./hosts_file.ts";
export { checkTopology, problemText } from "./schema.ts";
export type { Topology, TopologyCheck, TopologyProblem } from "./schema.ts";
export { watchTopology } from "./watcher.ts";
export type {
  TopologyEvent,
  TopologyOptions,
  TopologySnapshot,
  TopologyTrouble,
  TopologyWatcher,
} from "./watcher.ts";
