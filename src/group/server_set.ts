/**
 * All that one process listens on: HTTP apps and raw connections.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Events } from "../events.ts";
import type { Log } from "../log/mod.ts";
import type { Platform } from "../platform/port.ts";
import type { Reporter } from "../report.ts";
import type { Stats } from "../stats/mod.ts";
import type {
  AppOptions,
  BoundListener,
  DrainReport,
  FetchHandler,
  ListenerId,
  ListenSource,
  ServerLimits,
  StreamOptions,
} from "./options.ts";

/** Options of {@linkcode createServerSet}. */
export interface ServerSetOptions {
  /** HTTP apps. @default none */
  readonly apps?: readonly AppOptions[] | undefined;
  /** Servers of raw connections. @default none */
  readonly streams?: readonly StreamOptions[] | undefined;
  /** What each listener takes on, unless it says otherwise. */
  readonly limits?: ServerLimits | undefined;
  /** Put around every app's handler: contexts, overload control. @default nothing */
  readonly wrap?: ((fetch: FetchHandler, app: AppOptions) => FetchHandler) | undefined;
  /** Time. @default the platform's */
  readonly clock?: Clock | undefined;
  /** Where it counts. @default statistics of its own */
  readonly stats?: Stats | undefined;
  /** Where records go. @default a log of its own, category `ballast.servers` */
  readonly log?: Log | undefined;
  /** The runtime to stand on. @default the one this runs on */
  readonly platform?: Platform | undefined;
}

/** What happens to a set, for programs. */
export type ServerSetEvent =
  | { readonly type: "listening"; readonly listener: BoundListener }
  | { readonly type: "refused"; readonly listener: string; readonly reason: string }
  | { readonly type: "tls reloaded"; readonly listener: string; readonly expiresAt: number }
  | { readonly type: "tls refused"; readonly listener: string; readonly reason: string }
  | { readonly type: "draining" }
  | { readonly type: "drained"; readonly report: DrainReport };

/** A set at one moment. */
export interface ServerSetSnapshot {
  /** When it was taken, in milliseconds since the epoch. */
  readonly at: number;
}

/** What one process listens on. */
export interface ServerSet extends Reporter, AsyncDisposable {
  /** What happens to it. */
  readonly events: Events<ServerSetEvent>;
  /**
   * Binds every listener; where one fails none is left open. Called once.
   *
   * @throws the system's error, its `code` kept, with the listener's name in its text
   */
  listen(source?: (listener: ListenerId) => ListenSource): Promise<readonly BoundListener[]>;
  /** Where it listens. */
  readonly listeners: readonly BoundListener[];
  /**
   * Stops accepting, finishes what is under way, and after `timeoutMs` cuts what is left. Nothing that was accepted before is lost. Calls
   * after the first share its result.
   */
  drain(options: { readonly timeoutMs: number }): Promise<DrainReport>;
  /** Reads the certificates again now. One that is no good is refused, and the one before stays in force. */
  reloadTls(): Promise<void>;
  /** What it does, as plain JSON. */
  snapshot(): ServerSetSnapshot;
  /** Ends at once whatever is under way. Safe to call twice. */
  close(): Promise<void>;
}

/** Makes a set of servers. */
export function createServerSet(_options: ServerSetOptions): ServerSet {
  throw new Error("being built");
}
