/**
 * Connections: from a logical name to an open, healthy connection, promptly, or one error that explains everything.
 *
 * @module
 */

// Connect.
export { createConnectionManager } from "./manager.ts";
export type { ConnectionManager, ConnectionManagerOptions, ConnectOptions } from "./manager.ts";
export type { Lease } from "./lease.ts";
export type { PlaceOptions } from "./place.ts";
export {
  type ConnectAttempt,
  ConnectError,
  type ConnectPhase,
  OutOfConnectionsError,
  type TlsFault,
} from "./errors.ts";

// Where names lead.
export type {
  EndpointDefaults,
  EndpointOptions,
  EndpointTable,
  MarkdownOptions,
  PhaseTimeouts,
  PoolOptions,
  TierAddress,
  TlsOptions,
} from "./options.ts";

// HTTP.
export { createFetch, type Fetch, type FetchOptions } from "./fetch.ts";

// Clients that bring their own protocol.
export { createConnection, redisConnector, type StreamOptions } from "./adapters.ts";

// On top of it.
export { bufferedConnection } from "./buffered.ts";
export type {
  BufferedConnection,
  BufferedOptions,
  ByteConnection,
  DuplexStream,
  RecvOptions,
  RecvUntilOptions,
} from "./buffered.ts";
export { staggeredRetries, type StaggerOptions } from "./hedge.ts";
export {
  createRetryBudget,
  type RetryBudget,
  type RetryBudgetOptions,
  type RetryBudgetSnapshot,
} from "./budget.ts";

// What happens, and how things stand.
export type { TrafficEntry, TrafficOptions } from "./traffic.ts";
export type { SrvRecord } from "../platform/port.ts";
export type { ConnectionEvent } from "./events.ts";
export type {
  AddressSnapshot,
  ConnectionSnapshot,
  ConnectionsSnapshot,
  EndpointSnapshot,
  StateTime,
} from "./snapshot.ts";
export type { ConnectionState } from "./connection.ts";
export type { HealthState } from "./health.ts";
export type { LostLease } from "./leaks.ts";
