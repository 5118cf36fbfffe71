/**
 * The supervisor of a group: it holds the listeners, keeps the children going, and is the one window into all of them.
 *
 * @module
 */

import { BallastError } from "../errors.ts";
import { createEvents } from "../events.ts";
import type { PlatformProcesses, ProcessSignal } from "../platform/process_port.ts";
import { type Report, unknownAction } from "../report.ts";
import { delay } from "../signal.ts";
import { Crew } from "./crew.ts";
import { type GroupEvent, logEvent } from "./events.ts";
import { Gatherer } from "./gatherer.ts";
import type { GroupOptions, GroupSettings } from "./group_options.ts";
import type { Group, GroupEnd, GroupSnapshot, GroupState } from "./group_types.ts";
import { createGroupWindow } from "./group_window.ts";
import { Handover } from "./handover.ts";
import { listenError } from "./listen_error.ts";
import { type GroupListener, listenersOf } from "./listeners.ts";
import type { MarkedListener } from "./messages.ts";
import { type MetaServer, serveMeta } from "./meta_server.ts";
import type { BoundListener } from "./options.ts";
import { createServiceManager } from "./service_manager.ts";
import { runtimeOf } from "./serving.ts";
import { mindSignals } from "./signals.ts";
import { closedError, serveUntil } from "./single.ts";
import { SupervisedChild } from "./supervised_child.ts";
import { childPage, describeChild, supervisorReport } from "./supervisor_report.ts";
import { boundListener } from "./unit.ts";

/** What connections that have been accepted may take to be handed over, once nothing more is accepted. */
const HAND_OVER_MS = 1_000;
/** Turns of the event loop in which what waits in the kernel is still accepted, before listeners close. */
const LAST_TURNS = 16;

/** Children end by themselves within a second of their supervisor; one that is stuck cannot, and is killed then. */
const GUARD_MS = 1_500;

/** Makes the supervisor of a group. */
export function createSupervisor(
  options: GroupOptions,
  settings: GroupSettings,
  processes: PlatformProcesses,
): Group {
  // Before anything is begun: it throws where the program cannot be started again.
  const command = commandOf(processes);
  const { runtime, isOwn } = runtimeOf(options);
  const { clock } = runtime.platform;
  const { name } = runtime;
  const log = runtime.log.child("group");
  const events = createEvents<GroupEvent>();
  const handover = new Handover(runtime.platform.servers!, settings.maxWaiting);
  const guard = processes.guard(GUARD_MS);
  const startedAt = clock.now();
  let state: GroupState = "starting";
  let listeners: readonly BoundListener[] = [];
  let marked: readonly MarkedListener[] = [];
  let meta: MetaServer | undefined;
  let lastChild = 0;
  let starting: Promise<readonly BoundListener[]> | undefined;
  let ending: Promise<GroupEnd> | undefined;
  let leaveSignals = () => {};
  let tellEnd: (end: GroupEnd | Promise<never>) => void;
  const ended = new Promise<GroupEnd>((resolve) => tellEnd = resolve);
  // Whoever serves hears of it; others need not.
  ended.catch(() => {});

  function tell(event: GroupEvent): void {
    logEvent(log, event);
    events.emit(event);
  }

  const crew = new Crew({
    size: settings.workers,
    clock,
    handover,
    create(listener) {
      const child = new SupervisedChild({
        processes,
        command,
        clock,
        marker: { group: name, id: ++lastChild, listeners: marked },
        startTimeoutMs: settings.startTimeoutMs,
        listener: {
          ...listener,
          ended(child, end) {
            if (child.pid !== undefined) guard.remove(child.pid);
            gatherer.keep(child);
            listener.ended(child, end);
          },
        },
      });
      if (child.pid !== undefined) guard.add(child.pid);
      return child;
    },
    recycle: settings.recycle,
    brake: settings.brake,
    drainTimeoutMs: settings.drainTimeoutMs,
    stuckMs: settings.stuckMs,
    sweepMs: settings.heartbeatMs,
    tell,
    gaveUp: (error) => void fail(error),
  });
  const gatherer = new Gatherer({
    clock,
    children: () => crew.children,
    own: () => runtime.stats.snapshot(),
  });
  const manager = createServiceManager(processes, clock, () => state === "ready" && crew.children.length > 0);
  const window = createGroupWindow({
    runtime,
    startedAt,
    state: () => state,
    children: () => crew.children,
    gatherer,
    group: { report, details, act },
  });

  async function start(): Promise<readonly BoundListener[]> {
    if (settings.signals) {
      leaveSignals = mindSignals(processes, {
        end: (signal) => void end("signal", signal),
        endNow: () => crew.kill("a second signal came"),
        hangUp: () => void crew.replaceAll("restart", "SIGHUP"),
      });
    }
    try {
      const wanted = listenersOf(settings);
      const bound: BoundListener[] = [];
      for (const listener of wanted) bound.push(await listen(listener));
      listeners = bound;
      marked = bound.map(({ name, port }) => ({ name, port: port ?? 0 }));
      if (settings.meta !== false) meta = await serveMeta(settings.meta, window, runtime);
    } catch (error) {
      await end("closed");
      throw error;
    }
    await crew.start();
    if (ending !== undefined) {
      // Where the children crash this is the error that says so.
      await ended;
      throw closedError(name);
    }
    state = "ready";
    manager.ready();
    const urls = listeners.map(({ url }) => url);
    log.info("ready", { children: settings.workers, listeners: urls, meta: meta?.listener.url });
    return listeners;
  }

  async function listen(listener: GroupListener): Promise<BoundListener> {
    try {
      return boundListener(listener.id, await handover.listen(listener), listener.isSecure);
    } catch (error) {
      throw listenError(listener.id, error);
    }
  }

  const end = (reason: "closed" | "signal", signal?: ProcessSignal) => ending ??= finish(reason, signal);

  async function finish(reason: "closed" | "signal", signal?: ProcessSignal): Promise<GroupEnd> {
    const wasReady = state === "ready";
    state = "closing";
    manager.stopping();
    tell({ type: "draining", why: signal ?? "close() was called" });
    if (wasReady && reason === "signal") await delay(settings.drainDelayMs, { clock });
    await stopAccepting();
    await crew.close();
    await dispose();
    const result: GroupEnd = { reason, signal, finished: 0, cut: 0 };
    tellEnd(result);
    return result;
  }

  /** Nothing that was accepted before is lost: it is with a child when the children are told to end. */
  async function stopAccepting(): Promise<void> {
    for (let turn = 0; turn < LAST_TURNS; turn++) await runtime.platform.nextTurn();
    await handover.close();
    const until = clock.monotonic() + HAND_OVER_MS;
    while (crew.isComplete && handover.isBusy && clock.monotonic() < until) await delay(5, { clock });
    handover.refuseAll();
  }

  async function dispose(): Promise<void> {
    handover.refuseAll();
    gatherer.close();
    manager.close();
    guard.end();
    await meta?.close();
    if (isOwn) await runtime.close();
    leaveSignals();
    state = "closed";
    tell({ type: "ended" });
    events.close();
  }

  /** The children crash again and again. */
  async function fail(error: BallastError): Promise<void> {
    if (ending !== undefined) return;
    state = "closing";
    manager.stopping();
    ending = Promise.reject(error);
    ending.catch(() => {});
    await handover.close();
    await crew.close();
    await dispose();
    tellEnd(Promise.reject(error));
  }

  function snapshot(): GroupSnapshot {
    return {
      name,
      role: "supervisor",
      state,
      listeners,
      meta: meta?.listener,
      children: crew.children.map((child) => describeChild(child, clock)),
      replaced: { ...crew.replaced },
      crashes: crew.crashes,
      handover: handover.snapshot(),
    };
  }

  function report(): Report {
    return supervisorReport({ snapshot: snapshot(), settings, crew, gatherer, clock });
  }

  function details(key: string): Report | undefined {
    const child = crew.children.find(({ id }) => String(id) === key);
    return child && childPage(child, gatherer, clock);
  }

  async function act(id: string, args: Readonly<Record<string, string>> = {}): Promise<unknown> {
    switch (id) {
      case "restart":
        // It takes as long as the slowest request: nobody waits for that before a page.
        void crew.replaceAll("asked", "somebody asked for it");
        return await Promise.resolve({ started: true });
      case "replace": {
        const child = Number(args.child);
        if (!crew.children.some((one) => one.id === child)) {
          throw new TypeError(`there is no child "${args.child}"`);
        }
        void crew.replace(child, "asked", "somebody asked for it");
        return { started: true };
      }
      case "reload-tls":
        for (const child of crew.children) child.reload();
        return {};
      default:
        throw unknownAction("group", id);
    }
  }

  const ready = () => {
    if (starting === undefined && ending !== undefined) return Promise.reject(closedError(name));
    return starting ??= start();
  };
  const close = async () => {
    await end("closed");
  };
  return {
    name,
    role: "supervisor",
    runtime,
    events,
    get state() {
      return state;
    },
    ready,
    serve: () => serveUntil(ready, ended),
    restart: () => crew.replaceAll("restart", "restart() was called"),
    reloadTls() {
      for (const child of crew.children) child.reload();
      return Promise.resolve();
    },
    snapshot,
    report,
    details,
    act,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function commandOf(processes: PlatformProcesses) {
  try {
    return processes.command();
  } catch (error) {
    throw new BallastError(
      "UNSUPPORTED",
      "workers need a program that is a file, to start it again for each child",
      {
        cause: error,
      },
    );
  }
}
