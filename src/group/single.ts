/**
 * A group of one process.
 *
 * @module
 */

import { BallastError, errorMessage } from "../errors.ts";
import { createEvents } from "../events.ts";
import type { PlatformProcesses, ProcessSignal } from "../platform/process_port.ts";
import { type Report, unknownAction } from "../report.ts";
import { delay } from "../signal.ts";
import type { GroupEvent } from "./events.ts";
import type { GroupOptions, GroupSettings } from "./group_options.ts";
import { singleReport } from "./group_report.ts";
import type { Group, GroupEnd, GroupSnapshot, GroupState } from "./group_types.ts";
import { listenError } from "./listen_error.ts";
import { listenersOf } from "./listeners.ts";
import { type MetaServer, serveMeta } from "./meta_server.ts";
import type { BoundListener } from "./options.ts";
import { createServiceManager } from "./service_manager.ts";
import { createServing } from "./serving.ts";
import { mindSignals } from "./signals.ts";

/** Makes a group that serves in this process. */
export function createSingle(
  options: GroupOptions,
  settings: GroupSettings,
  processes: PlatformProcesses,
): Group {
  let state: GroupState = "starting";
  const serving = createServing(options, settings, () => state);
  const { runtime, servers } = serving;
  const { clock } = runtime.platform;
  const log = runtime.log.child("group");
  const events = createEvents<GroupEvent>();
  const manager = createServiceManager(processes, clock, () => state === "ready");
  let listeners: readonly BoundListener[] = [];
  let meta: MetaServer | undefined;
  let starting: Promise<readonly BoundListener[]> | undefined;
  let ending: Promise<GroupEnd> | undefined;
  let leaveSignals = () => {};
  let tellEnd: (end: GroupEnd | PromiseLike<GroupEnd>) => void;
  const ended = new Promise<GroupEnd>((resolve) => tellEnd = resolve);
  const removeReport = runtime.reports.add("group", { report, act });

  async function start(): Promise<readonly BoundListener[]> {
    if (settings.signals) {
      leaveSignals = mindSignals(processes, {
        end: (signal) => void end("signal", signal),
        endNow: () => {},
        hangUp: () => void servers.reloadTls(),
      });
    }
    try {
      await settings.onChildStart?.({ id: 0, pid: processes.pid, group: runtime.name });
      await runtime.ready();
      listeners = await listen();
      if (settings.meta !== false) meta = await serveMeta(settings.meta, shown(), runtime);
    } catch (error) {
      await end("closed");
      throw error;
    }
    if (ending !== undefined) throw closedError(runtime.name);
    state = "ready";
    manager.ready();
    log.info("ready", { listeners: listeners.map(({ url }) => url), meta: meta?.listener.url });
    return listeners;
  }

  async function listen(): Promise<readonly BoundListener[]> {
    try {
      return await servers.listen();
    } catch (error) {
      // The set says in its text whose error it is.
      const text = errorMessage(error);
      const failed = listenersOf(settings).find(({ id }) =>
        text.startsWith(`listener "${id.name}": listen `)
      );
      throw failed === undefined ? error : listenError(failed.id, error);
    }
  }

  /** The runtime, as ready as the group is. */
  function shown(): Parameters<typeof serveMeta>[1] {
    const { name, startedAt, platform, reports, stats, context } = runtime;
    return {
      name,
      startedAt,
      platform,
      reports,
      stats,
      context,
      log: runtime.log.child("meta"),
      get state() {
        return state;
      },
    };
  }

  const end = (reason: "closed" | "signal", signal?: ProcessSignal) => ending ??= finish(reason, signal);

  async function finish(reason: "closed" | "signal", signal?: ProcessSignal): Promise<GroupEnd> {
    const wasReady = state === "ready";
    state = "closing";
    manager.stopping();
    events.emit({ type: "draining", why: signal ?? "close() was called" });
    log.info("draining", { why: signal ?? "close() was called" });
    if (wasReady && reason === "signal") await delay(settings.drainDelayMs, { clock });
    const { finished, cut } = await servers.drain({ timeoutMs: settings.drainTimeoutMs });
    const cuts = Object.values(cut).reduce((sum, count) => sum + count, 0);
    log.info("ended", { finished, cut });
    manager.close();
    await meta?.close();
    removeReport();
    await serving.close();
    leaveSignals();
    state = "closed";
    events.emit({ type: "ended" });
    events.close();
    const result: GroupEnd = { reason, signal, finished, cut: cuts };
    tellEnd(result);
    return result;
  }

  function snapshot(): GroupSnapshot {
    return {
      name: runtime.name,
      role: "single",
      state,
      listeners,
      meta: meta?.listener,
      children: [],
      replaced: {},
      crashes: 0,
      handover: undefined,
    };
  }

  function report(): Report {
    return singleReport(snapshot(), settings.recycle);
  }

  async function act(id: string): Promise<unknown> {
    if (id !== "reload-tls") throw unknownAction("group", id);
    await servers.reloadTls();
    return {};
  }

  const ready = () => {
    if (ending !== undefined) return Promise.reject(closedError(runtime.name));
    return starting ??= start();
  };
  const close = async () => {
    await end("closed");
  };
  return {
    name: runtime.name,
    role: "single",
    runtime,
    events,
    get state() {
      return state;
    },
    ready,
    serve: () => serveUntil(ready, ended),
    restart: () =>
      Promise.reject(
        new BallastError("UNSUPPORTED", "one process cannot replace itself: give workers of 2 or more"),
      ),
    reloadTls: () => servers.reloadTls(),
    snapshot,
    report,
    act,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The error of a group that is asked to begin after its end. */
export function closedError(name: string): BallastError {
  return new BallastError("CLOSED", `the group "${name}" is closed`);
}

/** How a group ended; one that was told to end while it started has no other error. */
export async function serveUntil(ready: () => Promise<unknown>, ended: Promise<GroupEnd>): Promise<GroupEnd> {
  try {
    await ready();
  } catch (error) {
    if (!(error instanceof BallastError && error.code === "CLOSED")) throw error;
  }
  return await ended;
}
