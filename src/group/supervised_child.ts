/**
 * One child, as its supervisor sees it: a process, the channel to it, and where it is in its life.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { errorMessage } from "../errors.ts";
import type {
  PlatformProcesses,
  ProcessCommand,
  ProcessEnd,
  ProcessHandle,
} from "../platform/process_port.ts";
import type { ServerSocket } from "../platform/server_port.ts";
import type { Report } from "../report.ts";
import {
  CHILD_MARKER,
  type ChildMarker,
  envelope,
  PROTOCOL_VERSION,
  readMessage,
  type ToChild,
  type ToSupervisor,
  type Vitals,
} from "./messages.ts";
import { Tail } from "./tail.ts";

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

/** It may have so many connections in hand without having said so: one that is busy is left alone for that long. */
const IN_HAND = 8;
/** Heartbeats that are kept: the memory curve of the last minutes. */
const BEATS = 180;
/** What a child may take to end after it has finished all work: the program may have something to put away. */
const EXIT_GRACE_MS = 5_000;
/** What an action may take in a child. */
const ACT_TIMEOUT_MS = 10_000;
const MAX_ACTIONS = 64;

/** One child. */
export class SupervisedChild {
  readonly id: number;
  readonly startedAt: number;
  /** {@linkcode startedAt} on the monotonic clock. */
  readonly startedMonotonic: number;
  readonly beats: Beat[] = [];
  /** Connections that it was handed and has not said to have, oldest first. */
  readonly unacknowledged = new Map<number, InHand>();
  state: ChildState = "starting";
  readyAt: number | undefined;
  /** When it was last heard of, on the monotonic clock. */
  heardAt: number;
  gathered: Gathered | undefined;
  /** Why it is being replaced. */
  leavingFor: string | undefined;
  /** Connections that it was handed so far. */
  handed = 0;

  readonly #options: ChildOptions;
  readonly #process: ProcessHandle;
  readonly #stderr = new Tail();
  readonly #actions = new Map<number, (answer: { result?: unknown; error?: string | undefined }) => void>();
  #timer: Timer | undefined;
  #expected = false;
  #killed: string | undefined;
  #failure: string | undefined;
  #gone = false;
  #unheard = 0;
  #nextConnection = 1;
  #nextAction = 1;

  constructor(options: ChildOptions) {
    const { processes, command, clock, marker, startTimeoutMs } = options;
    this.#options = options;
    this.id = marker.id;
    this.startedAt = clock.now();
    this.startedMonotonic = this.heardAt = clock.monotonic();
    this.#timer = clock.schedule(startTimeoutMs, () => {
      this.kill(`it was not ready within ${startTimeoutMs} ms`);
    });
    this.#process = processes.spawn({
      command,
      env: { [CHILD_MARKER]: JSON.stringify({ ...marker, version: PROTOCOL_VERSION }) },
      onMessage: (given) => {
        const message = readMessage<ToSupervisor>(given);
        if (message !== undefined) this.#take(message);
      },
      onStderr: (text) => this.#stderr.add(text),
      // Whoever makes it has it in hand before it can end.
      onEnd: (end) => queueMicrotask(() => this.#ended(end)),
    });
  }

  /**
   * Whether it can be handed a connection now. Not while another word is on its way: where both are read at once, Deno (2.9) loses the
   * connection, and with it all that would follow.
   */
  get isFree(): boolean {
    return this.#unheard === 0 && this.unacknowledged.size < IN_HAND;
  }

  /** For how long it has not taken what it was handed first. */
  get waitedMs(): number {
    const [first] = this.unacknowledged.values();
    return first?.at === undefined ? 0 : this.#options.clock.monotonic() - first.at;
  }

  /** Its process id, where it has one. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** How it was at its last heartbeat. */
  get vitals(): Beat | undefined {
    return this.beats.at(-1);
  }

  /** Hands a connection over. False when it can no longer be told anything. */
  hand(listener: string, connection: ServerSocket): boolean {
    const id = this.#nextConnection++;
    if (!this.#process.hand(envelope({ type: "connection", id, listener }), connection)) return false;
    this.unacknowledged.set(id, { listener, connection, at: this.#options.clock.monotonic() });
    this.handed++;
    return true;
  }

  /** Has it finish what it has, and end; what is not finished after `timeoutMs` is cut, and a child that stays is killed. */
  drain(timeoutMs: number): void {
    if (this.state === "ended" || this.state === "draining") return;
    this.#expected = true;
    this.#enter("draining");
    const killAfterMs = timeoutMs + EXIT_GRACE_MS;
    this.#arm(killAfterMs, `it did not end within ${killAfterMs} ms of being told to`);
    this.#send({ type: "drain", timeoutMs });
  }

  /** Has it tell how it is. */
  gather(): void {
    if (this.state === "ready" || this.state === "draining") this.#send({ type: "gather" });
  }

  /** Has it read its certificates again. */
  reload(): void {
    if (this.state === "ready") this.#send({ type: "reload" });
  }

  /** Has one of its components carry out an action. */
  act(report: string, action: string, args: Readonly<Record<string, string>>): Promise<unknown> {
    if (this.#actions.size >= MAX_ACTIONS) return Promise.reject(new Error("too many actions are under way"));
    const id = this.#nextAction++;
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.schedule(ACT_TIMEOUT_MS, () => {
        settle({ error: `child ${this.id} did not answer within ${ACT_TIMEOUT_MS} ms` });
      });
      const settle = ({ result, error }: { result?: unknown; error?: string | undefined }) => {
        timer.cancel();
        this.#actions.delete(id);
        error === undefined ? resolve(result) : reject(new Error(error));
      };
      this.#actions.set(id, settle);
      if (!this.#send({ type: "act", id, report, action, args })) {
        settle({ error: `child ${this.id} has ended` });
      }
    });
  }

  /** Ends it at once. */
  kill(why: string): void {
    if (this.state === "ended") return;
    this.#killed ??= why;
    this.#process.kill("SIGKILL");
  }

  /** Looks whether it runs: of a child that does not, the end is told now, where the runtime missed it. Called now and then. */
  lookAfter(): void {
    if (this.state === "ended" || this.#process.isRunning()) this.#gone = false;
    // Its end may be on the way.
    else if (!this.#gone) this.#gone = true;
    else this.#ended({ code: undefined, signal: undefined });
  }

  #send(message: ToChild): boolean {
    if (!this.#process.send(envelope(message))) return false;
    this.#unheard++;
    return true;
  }

  #take(message: ToSupervisor): void {
    if (this.state === "ended") return;
    const { clock, listener } = this.#options;
    this.heardAt = clock.monotonic();
    switch (message.type) {
      case "hello":
        if (message.version !== PROTOCOL_VERSION) {
          this.#failure =
            `it speaks version ${message.version} of the group's protocol, this supervisor version ` +
            `${PROTOCOL_VERSION}: restart the whole group`;
          this.kill(this.#failure);
        }
        break;
      case "ready":
        if (this.state !== "starting") break;
        this.#timer?.cancel();
        this.readyAt = clock.now();
        this.#enter("ready");
        listener.ready(this);
        break;
      case "failed":
        this.#failure = message.message;
        break;
      case "heartbeat":
        this.beats.push({ ...message, at: clock.now() });
        if (this.beats.length > BEATS) this.beats.shift();
        listener.beat(this, message);
        break;
      case "took":
        this.unacknowledged.get(message.id)?.connection.destroy();
        if (this.unacknowledged.delete(message.id)) listener.free(this);
        break;
      case "heard":
        this.#unheard--;
        listener.free(this);
        break;
      case "missed": {
        const missed = this.unacknowledged.get(message.id);
        if (this.unacknowledged.delete(message.id)) listener.missed(this, missed!);
        break;
      }
      case "leaving":
        this.#expected = true;
        listener.leaving(this);
        break;
      case "drained":
        this.#expected = true;
        this.#arm(EXIT_GRACE_MS, `it had finished, but did not end within ${EXIT_GRACE_MS} ms`);
        break;
      case "gathered":
        this.gathered = { at: clock.monotonic(), reports: message.reports, stats: message.stats };
        break;
      case "acted":
        this.#actions.get(message.id)?.(message);
    }
  }

  #enter(state: ChildState): void {
    this.state = state;
  }

  #arm(ms: number, why: string): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.schedule(ms, () => this.kill(why));
  }

  #ended(end: ProcessEnd): void {
    if (this.state === "ended") return;
    const wasReady = this.readyAt !== undefined;
    this.#enter("ended");
    this.#timer?.cancel();
    for (const settle of [...this.#actions.values()]) settle({ error: `child ${this.id} has ended` });
    this.#options.listener.ended(this, {
      ...end,
      wasReady,
      expected: this.#expected && this.#failure === undefined && (this.#killed !== undefined || end.signal === undefined),
      killed: this.#killed,
      lastWords: this.#failure ?? (end.error === undefined ? this.#stderr.text : errorMessage(end.error)),
    });
  }
}
