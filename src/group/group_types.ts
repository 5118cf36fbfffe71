/**
 * A group, as a program sees it.
 *
 * @module
 */

import type { Events } from "../events.ts";
import type { ProcessSignal } from "../platform/process_port.ts";
import type { Reporter } from "../report.ts";
import type { Runtime } from "../runtime.ts";
import type { GroupEvent } from "./events.ts";
import type { HandoverSnapshot } from "./handover.ts";
import type { Beat, ChildState } from "./supervised_child.ts";
import type { BoundListener } from "./options.ts";

/** Where a group is in its life. */
export type GroupState = "starting" | "ready" | "closing" | "closed";

/** What this process is in its group: all of it, what looks after the children, or one of those. */
export type GroupRole = "single" | "supervisor" | "child";

/** How a group, or a child of one, ended. */
export interface GroupEnd {
  /** Whether somebody called `close()`, a signal came, or the supervisor said so. */
  readonly reason: "closed" | "signal" | "supervisor";
  /** The signal. */
  readonly signal?: ProcessSignal | undefined;
  /** Requests and streams that were under way and were finished; of this process, so 0 in a supervisor. */
  readonly finished: number;
  /** Those that were cut. */
  readonly cut: number;
}

/** One child, as plain JSON. */
export interface ChildSnapshot {
  /** Its number. */
  readonly id: number;
  /** Its process. */
  readonly pid: number | undefined;
  /** Where it is in its life. */
  readonly state: ChildState;
  /** When it was started, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** When it was ready. */
  readonly readyAt: number | undefined;
  /** Since it was last heard of. */
  readonly heardMsAgo: number;
  /** Its last heartbeat. */
  readonly vitals: Beat | undefined;
  /** Connections that it was handed. */
  readonly connections: number;
  /** Why it is being replaced. */
  readonly leavingFor: string | undefined;
}

/** A group at one moment, as plain JSON. */
export interface GroupSnapshot {
  /** What it is called. */
  readonly name: string;
  /** What this process is in it. */
  readonly role: GroupRole;
  /** Where it is in its life. */
  readonly state: GroupState;
  /** Where it listens. */
  readonly listeners: readonly BoundListener[];
  /** Where its meta app is. */
  readonly meta: BoundListener | undefined;
  /** Its children; none in one process. */
  readonly children: readonly ChildSnapshot[];
  /** Children replaced so far, by why. */
  readonly replaced: Readonly<Record<string, number>>;
  /** Children that crashed so far. */
  readonly crashes: number;
  /** What became of connections in the supervisor; undefined in one process. */
  readonly handover: HandoverSnapshot | undefined;
}

/** Apps and streams, served by one process or by many. */
export interface Group extends Reporter, AsyncDisposable {
  /** What it is called. */
  readonly name: string;
  /** What this process is in it. */
  readonly role: GroupRole;
  /** Where it is in its life. */
  readonly state: GroupState;
  /** What the apps stand on. In a supervisor it is that process's own, which serves nothing. */
  readonly runtime: Runtime;
  /** What happens to its children. */
  readonly events: Events<GroupEvent>;
  /**
   * Serves until a signal or `close()` ends it. A program may end then: nothing of the group holds it.
   *
   * @throws {BallastError} `LISTEN_FAILED` when a port cannot be listened on, `CHILD_FAILED` when the children crash again and again
   */
  serve(): Promise<GroupEnd>;
  /** Begins to serve, and resolves when requests are answered. @throws as `serve` */
  ready(): Promise<readonly BoundListener[]>;
  /**
   * Replaces all children, one after the other, each when its successor is ready. Gives how many were: fewer than there are when a
   * successor could not start, and the rest stays.
   *
   * @throws {BallastError} `UNSUPPORTED` where there are no children
   */
  restart(): Promise<number>;
  /** Has certificates read again, by every child. */
  reloadTls(): Promise<void>;
  /** What it does, as plain JSON. */
  snapshot(): GroupSnapshot;
  /** Finishes what is under way, and ends. Safe to call twice. */
  close(): Promise<void>;
}
