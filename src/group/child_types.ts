/**
 * What a supervisor knows of a child.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { PlatformProcesses, ProcessCommand, ProcessEnd } from "../platform/process_port.ts";
import type { ServerSocket } from "../platform/server_port.ts";
import type { Report } from "../report.ts";
import type { ChildMarker, Vitals } from "./messages.ts";
import type { SupervisedChild } from "./supervised_child.ts";

/** Where a child is in its life. */
export type ChildState = "starting" | "ready" | "draining" | "ended";

/** Why a child ended, as far as its supervisor knows. */
export interface ChildEnd extends ProcessEnd {
  /** Whether it was ever ready. */
  readonly wasReady: boolean;
  /** Whether it was told to end, or said itself that it would. */
  readonly expected: boolean;
  /** Why it had to be killed, where the supervisor did that. */
  readonly killed?: string | undefined;
  /** What it said it could not start for, or else the last lines of its standard error. */
  readonly lastWords: string;
}

/** What a child said of itself, and when. */
export interface Gathered {
  /** On the monotonic clock. */
  readonly at: number;
  /** Its reports. */
  readonly reports: readonly Report[];
  /** Its statistics, as they were sent. */
  readonly stats: string;
}

/** A heartbeat, and when it came: in milliseconds since the epoch. */
export interface Beat extends Vitals {
  /** When it came. */
  readonly at: number;
}

/** A connection, and which listener it came to. */
export interface InHand {
  readonly listener: string;
  readonly connection: ServerSocket;
  /** When it was handed over, on the monotonic clock. */
  readonly at?: number;
}

/** Who is told of what a child does. */
export interface ChildListener {
  /** It can take connections. */
  ready(child: SupervisedChild): void;
  /** It has room for a connection again. */
  free(child: SupervisedChild): void;
  /** It was handed a connection that did not reach it. */
  missed(child: SupervisedChild, missed: InHand): void;
  /** It is alive. */
  beat(child: SupervisedChild, vitals: Vitals): void;
  /** It ends because somebody else told it to. */
  leaving(child: SupervisedChild): void;
  /** It has ended. */
  ended(child: SupervisedChild, end: ChildEnd): void;
}

/** What a child is started with. */
export interface ChildOptions {
  readonly processes: PlatformProcesses;
  readonly command: ProcessCommand;
  readonly clock: Clock;
  readonly marker: Omit<ChildMarker, "version">;
  /** What it has to be ready within. */
  readonly startTimeoutMs: number;
  readonly listener: ChildListener;
}
