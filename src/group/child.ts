/**
 * A child of a group, from within: it serves what its supervisor hands over, tells how it is, and ends when it is told to, or when
 * nobody is there any more to tell it.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { BallastError, errorMessage } from "../errors.ts";
import { createEvents } from "../events.ts";
import type { ParentProcess, PlatformProcesses } from "../platform/process_port.ts";
import type { Report } from "../report.ts";
import { unknownAction } from "../report.ts";
import { toBase64 } from "../stats/bytes.ts";
import { encodeStats } from "../stats/mod.ts";
import type { GroupEvent } from "./events.ts";
import type { GroupOptions, GroupSettings } from "./group_options.ts";
import { singleReport } from "./group_report.ts";
import type { Group, GroupEnd, GroupSnapshot, GroupState } from "./group_types.ts";
import {
  type ChildMarker,
  envelope,
  PROTOCOL_VERSION,
  readMessage,
  type ToChild,
  type ToSupervisor,
} from "./messages.ts";
import type { BoundListener } from "./options.ts";
import { createServing, type Serving } from "./serving.ts";
import { closedError, serveUntil } from "./single.ts";

/** What makes this process a child. */
export interface ChildRole {
  readonly marker: ChildMarker;
  readonly parent: ParentProcess;
  readonly processes: PlatformProcesses;
}

/** Between two looks at whether the supervisor is still there, where the channel does not tell. */
const PARENT_WATCH_MS = 250;
/** A child whose supervisor is gone has this long to finish; it ends within 2 s, whatever it does. */
const ORPHAN_DRAIN_MS = 700;
const ORPHAN_END_MS = 1_000;
const MAX_MESSAGE = 4_000;

/** Makes the part of a group that is in this child. */
export function createChild(options: GroupOptions, settings: GroupSettings, role: ChildRole): Group {
  const { marker, parent, processes } = role;
  let state: GroupState = "starting";
  const serving = createServing({ name: marker.group, ...options }, settings, () => state);
  const { runtime, servers } = serving;
  const { clock } = runtime.platform;
  const log = runtime.log.child("group");
  const events = createEvents<GroupEvent>();
  let listeners: readonly BoundListener[] = [];
  let starting: Promise<readonly BoundListener[]> | undefined;
  let ending: Promise<void> | undefined;
  let tellEnd: (end: GroupEnd) => void;
  const ended = new Promise<GroupEnd>((resolve) => tellEnd = resolve);
  const say = (message: ToSupervisor) => parent.send(envelope(message));
  const heart = beatEvery(
    settings.heartbeatMs,
    clock,
    (lagMs) => say({ type: "heartbeat", ...vitals(serving, lagMs) }),
  );
  const watch = repeat(PARENT_WATCH_MS, clock, () => {
    if (!parent.isAlive()) orphaned();
  });

  parent.onMessage((given, socket) => {
    const message = readMessage<ToChild>(given);
    if (message !== undefined) take(message, socket);
  });
  parent.onDisconnect(orphaned);
  const leaveSignals = mindChildSignals(processes, leave);
  say({ type: "hello", version: PROTOCOL_VERSION });

  function take(message: ToChild, socket: unknown): void {
    if (message.type !== "connection") say({ type: "heard" });
    switch (message.type) {
      case "connection":
        if (socket === undefined || socket === null) {
          // It could not be passed on, for want of files for one: the supervisor still has it.
          say({ type: "missed", id: message.id });
          break;
        }
        // First: from now on it is lost with this child, and with no other.
        say({ type: "took", id: message.id });
        accept(message.listener, socket);
        break;
      case "drain":
        void end("supervisor", message.timeoutMs);
        break;
      case "gather":
        tell();
        break;
      case "reload":
        void reload();
        break;
      case "act":
        void act(message);
    }
  }

  function accept(listener: string, socket: unknown): void {
    try {
      servers.accept(listener, socket);
    } catch (error) {
      log.error("a connection cannot be served", { listener, error });
    }
  }

  async function start(): Promise<readonly BoundListener[]> {
    try {
      await settings.onChildStart?.({ id: marker.id, pid: processes.pid, group: marker.group });
      await runtime.ready();
      const ports = new Map(marker.listeners.map(({ name, port }) => [name, port]));
      listeners = await servers.listen(({ name }) => ({ kind: "handed", port: ports.get(name) ?? 0 }));
    } catch (error) {
      say({ type: "failed", message: describe(error) });
      await end("closed", 0);
      throw error;
    }
    if (ending !== undefined) throw closedError(marker.group);
    state = "ready";
    say({ type: "ready" });
    tell();
    return listeners;
  }

  /** Says how this child is. */
  function tell(): void {
    const reports: readonly Report[] = runtime.reports.all();
    const stats = toBase64(encodeStats(runtime.stats.snapshot()));
    say({ type: "gathered", reports, stats });
  }

  async function reload(): Promise<void> {
    try {
      await servers.reloadTls();
    } catch (error) {
      log.error("the certificates cannot be read again", { error });
    }
  }

  async function act({ id, report, action, args }: Extract<ToChild, { type: "act" }>): Promise<void> {
    try {
      const result = await runtime.reports.act(report, action, args);
      say({ type: "acted", id, result: result ?? null });
    } catch (error) {
      say({ type: "acted", id, error: errorMessage(error) });
    }
  }

  /** Asks to be replaced: until then this child serves on. */
  function leave(): void {
    if (ending === undefined && !say({ type: "leaving" })) orphaned();
  }

  function orphaned(): void {
    if (state === "closed") return;
    log.error("the supervisor is gone: this child ends");
    clock.schedule(ORPHAN_END_MS, () => processes.exit(1), { keepAlive: true });
    void end("closed", ORPHAN_DRAIN_MS).then(() => processes.exit(1));
  }

  const end = (reason: GroupEnd["reason"], timeoutMs: number) => ending ??= finish(reason, timeoutMs);

  async function finish(reason: GroupEnd["reason"], timeoutMs: number): Promise<void> {
    state = "closing";
    const { finished, cut } = await servers.drain({ timeoutMs });
    const cuts = Object.values(cut).reduce((sum, count) => sum + count, 0);
    tell();
    say({ type: "drained", finished, cut: cuts });
    heart.cancel();
    watch.cancel();
    await serving.close();
    state = "closed";
    leaveSignals();
    parent.disconnect();
    events.close();
    tellEnd({ reason, finished, cut: cuts });
  }

  function snapshot(): GroupSnapshot {
    return {
      name: marker.group,
      role: "child",
      state,
      listeners,
      meta: undefined,
      children: [],
      replaced: {},
      crashes: 0,
      handover: undefined,
    };
  }

  const ready = () => starting ??= start();
  const close = async () => {
    leave();
    await ended;
  };
  return {
    name: marker.group,
    role: "child",
    runtime,
    events,
    get state() {
      return state;
    },
    ready,
    serve: () => serveUntil(ready, ended),
    restart: () =>
      Promise.reject(new BallastError("UNSUPPORTED", "children are restarted by their supervisor")),
    reloadTls: () => servers.reloadTls(),
    snapshot,
    report: () => singleReport(snapshot(), {}),
    act(id) {
      throw unknownAction("group", id);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function vitals({ runtime, servers, load }: Serving, lagMs: number) {
  const { rssBytes = 0, heapUsedBytes = 0 } = runtime.platform.monitor?.usage() ?? {};
  return {
    rssBytes,
    heapBytes: heapUsedBytes,
    requests: load.requests,
    inFlight: load.inFlight,
    connections: servers.snapshot().listeners.reduce((sum, { open, waiting }) => sum + open + waiting, 0),
    lagMs,
  };
}

/** SIGINT and SIGHUP reach a whole terminal: what they mean for the group is for the supervisor to say. SIGTERM may be meant for this child. */
function mindChildSignals(processes: PlatformProcesses, leave: () => void): () => void {
  const undo = [
    processes.onSignal("SIGINT", () => {}),
    processes.onSignal("SIGHUP", () => {}),
    processes.onSignal("SIGTERM", leave),
  ];
  return () => {
    for (const each of undo) each();
  };
}

/** Calls `fn` again and again, in the background. */
function repeat(everyMs: number, clock: Clock, fn: () => void): Timer {
  let timer: Timer;
  const next = () => {
    timer = clock.schedule(everyMs, () => {
      next();
      fn();
    });
  };
  next();
  return { cancel: () => timer.cancel() };
}

/** Calls `beat` with how late it is. */
function beatEvery(everyMs: number, clock: Clock, beat: (lagMs: number) => void): Timer {
  let dueAt = clock.monotonic() + everyMs;
  return repeat(everyMs, clock, () => {
    const now = clock.monotonic();
    const lagMs = Math.max(0, now - dueAt);
    dueAt = now + everyMs;
    beat(lagMs);
  });
}

function describe(error: unknown): string {
  const text = error instanceof Error && error.stack !== undefined && error.stack.includes(error.message)
    ? error.stack
    : errorMessage(error);
  return text.slice(0, MAX_MESSAGE);
}
