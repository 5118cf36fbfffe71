/** What the meta app asks of a runtime: a shape, so that a group can hand in the gathered reports of its children. */

import type { Capability, ProcessInfo } from "../platform/port.ts";
import type { Report } from "../report.ts";
import type { LocatedFinding } from "../reports.ts";

/** Whatever has a name, a state and reports: a `Runtime`, above all. */
export interface MetaRuntime {
  /** What the service is called. */
  readonly name: string;
  /** Where it is in its life. */
  readonly state: "starting" | "ready" | "closing" | "closed";
  /** When it was made, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** The platform it runs on. */
  readonly platform: {
    /** The platform's name: `deno`, `node`, `bun`, `web`, or another. */
    readonly name: string;
    /** The platform's version, "" where it has none. */
    readonly version: string;
    /** Tells what "now" is on a page, and when a live one is due. */
    readonly clock: {
      /** Milliseconds since the epoch. */
      now(): number;
      /** Milliseconds since some moment, never going back. */
      monotonic(): number;
      /** Calls `callback` once, in `delayMs`, without keeping the process alive. */
      schedule(
        delayMs: number,
        callback: () => void,
        options?: { readonly keepAlive?: boolean },
      ): { cancel(): void };
      /** Present where there are no timers in the background. */
      readonly catchUp?: () => void;
    };
    /** What can and cannot be done there. */
    readonly capabilities: readonly Capability[];
    /** The process, where there is one. */
    processInfo(): ProcessInfo | undefined;
  };
  /** What its components say of themselves. */
  readonly reports: {
    /** The ids of the reports, in the order in which the pages name them. */
    readonly ids: readonly string[];
    /** One report, or undefined for an unknown id. */
    get(id: string): Report | undefined;
    /** More on one of the things that a report lists, or undefined for an unknown id or key. @default there is no more */
    details?(id: string, key: string): Report | undefined;
    /** The findings of all, the worst first. */
    findings(): readonly LocatedFinding[];
    /** Has a component carry out an action; the result is plain JSON. @default actions are shown, but not offered */
    act?(id: string, action: string, args: Readonly<Record<string, string>>): Promise<unknown>;
  };
  /** Its statistics. */
  readonly stats: {
    /** All of them, in the OpenMetrics text format. */
    openMetrics(): string;
    /** All of them, in Prometheus's own text format. @default they are not to be had in it */
    prometheus?(): string;
  };
  /** Where it is recorded who was let in and what was changed. @default nowhere */
  readonly log?: {
    /** Records something on the course of things. */
    info(message: string, fields: Readonly<Record<string, unknown>>): void;
    /** Records something that may become a fault. */
    warn(message: string, fields: Readonly<Record<string, unknown>>): void;
  };
  /** Its context: live pages end when its signal aborts. @default they end once `state` says so */
  readonly context?: {
    /** Aborts when the runtime is closed. */
    readonly signal: AbortSignal;
  };
}
