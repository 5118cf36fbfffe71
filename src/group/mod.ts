/**
 * The server group: what a service listens on.
 *
 * @module
 */

// Servers of one process
export { createServerSet } from "./server_set.ts";
export type { ServerSet, ServerSetEvent, ServerSetOptions } from "./server_set.ts";
export { requestPipeline } from "./pipeline.ts";
export type { PipelineOptions } from "./pipeline.ts";
export type {
  AppOptions,
  AppRequestInfo,
  BoundListener,
  DrainReport,
  FetchHandler,
  ListenerId,
  ListenOptions,
  ListenSource,
  PemSource,
  ServerLimits,
  ServerSettings,
  ServerTls,
  StreamHandler,
  StreamInfo,
  StreamOptions,
} from "./options.ts";
export type { RefusalReason, Refusals } from "./server_counts.ts";
export type { ListenerSnapshot, ServerSetSnapshot, ServerSetState, TlsSnapshot } from "./server_snapshot.ts";
export type { Phase } from "./served_connection.ts";
