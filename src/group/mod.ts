/**
 * The server group: apps and raw TCP handlers, in one process or in many that share their ports; drained, restarted and recycled without
 * a lost request.
 *
 * @example A service
 * ```ts ignore
 * import { createGroup } from "@ballast/runtime/group";
 * import { Hono } from "hono";
 *
 * const app = new Hono();
 * app.get("/", (c) => c.text("hello"));
 *
 * await createGroup({
 *   name: "shop",
 *   apps: [{ fetch: app.fetch, port: 8888 }],
 *   meta: { port: 8889 },
 *   workers: 4,
 *   maxMemoryBytes: 512 * 2 ** 20,
 * }).serve();
 * ```
 *
 * @module
 */

// The group
export { createGroup } from "./group.ts";
export type { ChildInfo, GroupMetaOptions, GroupOptions } from "./group_options.ts";
export type { ChildSnapshot, Group, GroupEnd, GroupRole, GroupSnapshot, GroupState } from "./group_types.ts";
export type { GroupEvent } from "./events.ts";
export type { HandoverSnapshot } from "./handover.ts";
export type { RecycleLimits } from "./recycling.ts";
export type { BrakeOptions } from "./restart_brake.ts";
export type { Beat, ChildState } from "./supervised_child.ts";
export type { Vitals } from "./messages.ts";

// Servers of one process
export { createServerSet } from "./server_set.ts";
export type { ServerSet, ServerSetEvent, ServerSetOptions } from "./server_set.ts";
export { requestPipeline } from "./pipeline.ts";
export type { PipelineOptions } from "./pipeline.ts";
export type * from "./options.ts";
export type { RefusalReason, Refusals } from "./server_counts.ts";
export type { ListenerSnapshot, ServerSetSnapshot, ServerSetState, TlsSnapshot } from "./server_snapshot.ts";
export type { Phase } from "./served_connection.ts";
