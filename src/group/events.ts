/**
 * What happens in a group, for programs; and the same as records of its log.
 *
 * @module
 */

import type { Log } from "../log/mod.ts";

/** Something that happened in a group. */
export type GroupEvent =
  /** A child was started. */
  | { readonly type: "started"; readonly child: number; readonly pid: number | undefined }
  /** A child takes connections. */
  | { readonly type: "ready"; readonly child: number; readonly tookMs: number }
  /** A child ended that should not have; another one is started in `restartInMs`. */
  | {
    readonly type: "crashed";
    readonly child: number;
    readonly how: string;
    readonly lastWords: string;
    readonly restartInMs: number;
  }
  /** A child has stopped to answer, and is killed. */
  | { readonly type: "stuck"; readonly child: number; readonly silentMs: number }
  /** A child is to be replaced; `rssMebibytes` is its memory lately, oldest first. */
  | {
    readonly type: "replacing";
    readonly child: number;
    readonly why: "memory" | "age" | "requests" | "restart" | "signal" | "asked";
    readonly text: string;
    readonly rssMebibytes: readonly number[];
  }
  /** A child has been replaced: the one that came after it is ready, it itself has ended. */
  | { readonly type: "replaced"; readonly child: number; readonly by: number }
  /** What was to replace a child could not start; the child stays. */
  | { readonly type: "replacement-failed"; readonly child: number; readonly lastWords: string }
  /** The group ends: new connections are no longer accepted. */
  | { readonly type: "draining"; readonly why: string }
  /** Too many children crashed: the group ends. */
  | { readonly type: "gave-up"; readonly why: string; readonly lastWords: string }
  /** The group has ended. */
  | { readonly type: "ended" };

/** Records an event. */
export function logEvent(log: Log, event: GroupEvent): void {
  switch (event.type) {
    case "started":
      return log.debug("child started", { child: event.child, pid: event.pid });
    case "ready":
      return log.info("child ready", { child: event.child, tookMs: event.tookMs });
    case "crashed": {
      const { child, how, lastWords, restartInMs } = event;
      return log.error("child crashed", { child, how, lastWords, restartInMs });
    }
    case "stuck":
      return log.error("child is stuck: it is killed and replaced", {
        child: event.child,
        silentMs: event.silentMs,
      });
    case "replacing": {
      const { child, why, text, rssMebibytes } = event;
      return log.info("child is replaced", { child, why, text, rssMebibytes });
    }
    case "replaced":
      return log.info("child has been replaced", { child: event.child, by: event.by });
    case "replacement-failed":
      return log.error("a replacement could not start: the child stays", {
        child: event.child,
        lastWords: event.lastWords,
      });
    case "draining":
      return log.info("draining", { why: event.why });
    case "gave-up":
      return log.error("gave up", { why: event.why, lastWords: event.lastWords });
    case "ended":
      return log.info("ended");
  }
}
