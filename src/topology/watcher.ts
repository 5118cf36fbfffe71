/**
 * Watches a topology: reads it on an interval, hands on what is good, and keeps the last good one.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { BallastError, checkNumber, errorMessage } from "../errors.ts";
import { createEvents, type Events } from "../events.ts";
import type { Log } from "../log/mod.ts";
import { createLog } from "../log/mod.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { Platform } from "../platform/port.ts";
import { type Report, type Reporter, unknownAction } from "../report.ts";
import { abortable, deadlineSignal, type DerivedSignal } from "../signal.ts";
import { checkTopology, problemText, type Topology } from "./schema.ts";
import { topologyReport } from "./report.ts";
import { fileSource, type Source, urlSource } from "./source.ts";

/** Options of {@linkcode watchTopology}: a `file` or a `url`, and how it is read. */
export interface TopologyOptions {
  /** The path of a file. */
  readonly file?: string;
  /** A URL that gives the document; an ETag saves transfers. */
  readonly url?: string | URL;
  /** Between two reads, give or take a tenth. @default 10000 */
  readonly intervalMs?: number;
  /** For one read. @default 5000 */
  readonly timeoutMs?: number;
  /** What reads the URL. @default the platform's own */
  readonly fetch?: typeof fetch;
  /** Asked before a new one comes into force: what it throws refuses it. @default every good document will do */
  readonly check?: (topology: Topology) => void;
  /** Time. @default the platform's */
  readonly clock?: Clock;
  /** The runtime to stand on. @default the one this runs on */
  readonly platform?: Platform;
  /** Where records go. @default a log of its own, category `ballast.topology` */
  readonly log?: Log;
}

/** What happens to a topology, for programs. */
export type TopologyEvent =
  /** A new one is in force. */
  | { readonly type: "applied"; readonly topology: Topology }
  /** A document was read that is no good: the one before stays in force. */
  | { readonly type: "refused"; readonly problems: readonly string[] }
  /** It could not be read: the one before stays in force. */
  | { readonly type: "unreadable"; readonly reason: string };

/** A topology at one moment. */
export interface TopologySnapshot {
  /** When it was taken, in milliseconds since the epoch; so are all moments in it. */
  readonly at: number;
  /** Where it comes from. */
  readonly source: string;
  /** Between two reads. */
  readonly intervalMs: number;
  /** The version in force, once there is one. */
  readonly version?: string;
  /** How many names it fixes. */
  readonly hosts: number;
  /** How many endpoints it describes. */
  readonly endpoints: number;
  /** When it came into force. */
  readonly appliedAt?: number;
  /** When it was last read, whether it had changed or not. */
  readonly readAt?: number;
  /** What is wrong with what is there now. */
  readonly trouble: readonly TopologyTrouble[];
}

/** A document that is no good, or that cannot be read. */
export interface TopologyTrouble {
  /** Which of the two. */
  readonly kind: "refused" | "unreadable";
  /** Since when, in milliseconds since the epoch. */
  readonly since: number;
  /** What is wrong. */
  readonly reasons: readonly string[];
}

/** A topology that is kept up to date. */
export interface TopologyWatcher extends AsyncDisposable, Reporter {
  /** The one in force, once there is one. */
  readonly current: Topology | undefined;
  /** What happens, for programs. */
  readonly events: Events<TopologyEvent>;
  /**
   * Reads it now, whatever the time. Never rejects: what is in force then is `current`, and what was wrong is in the snapshot.
   * Calls that come while it is read share the result.
   */
  reload(): Promise<void>;
  /** All that is known, as plain JSON. Cheap, never throws. */
  snapshot(): TopologySnapshot;
  /** What a person should know of it. */
  report(): Report;
  /** Reads no more; what is in force stays. Safe to call twice. */
  close(): Promise<void>;
}

const JITTER = 0.1;

/**
 * Starts to watch a topology. Nothing is read until `reload()`, which the runtime's `ready()` calls; from then on it is read on
 * the interval.
 *
 * @throws {TypeError} unless exactly one of `file` and `url` is given
 * @throws {BallastError} `UNSUPPORTED` for a file where there are none
 */
export function watchTopology(options: TopologyOptions): TopologyWatcher {
  const { platform = detectPlatform() } = options;
  const { clock = platform.clock } = options;
  const log = options.log ?? createLog({ category: ["ballast", "topology"], clock, sampling: false });
  const intervalMs = checkNumber("intervalMs", options.intervalMs ?? 10_000, { min: 100 });
  const timeoutMs = checkNumber("timeoutMs", options.timeoutMs ?? 5_000, { min: 1 });
  const source = sourceOf(options, platform);
  const events = createEvents<TopologyEvent>();
  let closed = false;
  let current: Topology | undefined;
  let appliedAt: number | undefined;
  let readAt: number | undefined;
  // Apart, for a document that was refused is still bad when its server comes back.
  let refused: TopologyTrouble | undefined;
  let unreadable: TopologyTrouble | undefined;
  let reading: Promise<void> | undefined;
  let underWay: DerivedSignal | undefined;
  let timer: Timer | undefined;

  function reload(): Promise<void> {
    if (closed) return Promise.resolve();
    return reading ??= read().finally(() => {
      reading = undefined;
      if (closed) return;
      timer?.cancel();
      timer = clock.schedule(intervalMs * (1 - JITTER + 2 * JITTER * clock.random()), () => void reload());
    });
  }

  async function read(): Promise<void> {
    const deadline = underWay = deadlineSignal(timeoutMs, { clock, what: `reading ${source.label}` });
    try {
      const result = await abortable(source.read(deadline.signal), deadline.signal);
      readAt = clock.now();
      unreadable = undefined;
      if (result !== "unchanged") take(result.text);
    } catch (error) {
      if (!closed) fail(errorMessage(error));
    } finally {
      deadline.release();
    }
  }

  function take(text: string): void {
    const check = checkTopology(text);
    if (!check.ok) return refuse(check.problems.map(problemText));
    try {
      options.check?.(check.topology);
    } catch (error) {
      return refuse([errorMessage(error)]);
    }
    current = check.topology;
    appliedAt = clock.now();
    refused = undefined;
    log.info(`topology ${current.version} is in force`, { source: source.label, version: current.version });
    events.emit({ type: "applied", topology: current });
  }

  function refuse(problems: readonly string[]): void {
    refused = { kind: "refused", since: clock.now(), reasons: problems };
    log.error(`the topology is refused, ${inForce()}: ${problems[0]}`, {
      source: source.label,
      problems: problems.length,
    });
    events.emit({ type: "refused", problems });
  }

  function fail(reason: string): void {
    if (unreadable === undefined) {
      log.warn(`the topology cannot be read, ${inForce()}: ${reason}`, { source: source.label });
    }
    unreadable = { kind: "unreadable", since: unreadable?.since ?? clock.now(), reasons: [reason] };
    events.emit({ type: "unreadable", reason });
  }

  function inForce(): string {
    return current === undefined ? "and there is none" : `${current.version} stays in force`;
  }

  const watcher: TopologyWatcher = {
    get current() {
      return current;
    },
    events,
    reload,
    snapshot: () => ({
      at: clock.now(),
      source: source.label,
      intervalMs,
      version: current?.version,
      hosts: Object.keys(current?.hosts ?? {}).length,
      endpoints: Object.keys(current?.endpoints ?? {}).length,
      appliedAt,
      readAt,
      trouble: [refused, unreadable].filter((trouble) => trouble !== undefined),
    }),
    report: () => topologyReport(watcher.snapshot()),
    async act(id) {
      if (id !== "reload") throw unknownAction("topology", id);
      await reload();
      return watcher.snapshot();
    },
    close() {
      closed = true;
      underWay?.abort(new BallastError("CLOSED", "the topology is watched no more"));
      timer?.cancel();
      events.close();
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => watcher.close(),
  };
  return watcher;
}

function sourceOf({ file, url, fetch: request = fetch }: TopologyOptions, platform: Platform): Source {
  if ((file === undefined) === (url === undefined)) {
    throw new TypeError("a topology needs a file or a url, and not both");
  }
  return file !== undefined ? fileSource(file, platform) : urlSource(url!, request);
}
