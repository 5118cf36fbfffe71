/**
 * The children of a group: as many as there should be, whatever becomes of each.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { BallastError } from "../errors.ts";
import type { GroupEvent } from "./events.ts";
import type { Handover } from "./handover.ts";
import type { Vitals } from "./messages.ts";
import { type RecycleLimits, Recycler } from "./recycling.ts";
import { type BrakeOptions, RestartBrake } from "./restart_brake.ts";
import type { ChildEnd, ChildListener, SupervisedChild } from "./supervised_child.ts";

/** What a crew is made of. */
export interface CrewOptions {
  /** Children that should serve. */
  readonly size: number;
  readonly clock: Clock;
  readonly handover: Handover;
  /** Starts a child. */
  readonly create: (listener: ChildListener) => SupervisedChild;
  readonly recycle: RecycleLimits;
  readonly brake: BrakeOptions;
  /** What a child may take to finish. */
  readonly drainTimeoutMs: number;
  /** A child that is not heard of for so long is killed. */
  readonly stuckMs: number;
  /** How often that is looked after. */
  readonly sweepMs: number;
  readonly tell: (event: GroupEvent) => void;
  /** There is no use in going on. */
  readonly gaveUp: (error: BallastError) => void;
}

type Why = Extract<GroupEvent, { type: "replacing" }>["why"];

/** A place for one child, and for the one that is to replace it. */
interface Slot {
  current: SupervisedChild | undefined;
  next: SupervisedChild | undefined;
  /** Settles the wait for `next`. */
  settled: ((isReady: boolean) => void) | undefined;
  restart: Timer | undefined;
  recycler: Recycler | undefined;
  /** Whether a replacement is under way or waits for its turn. */
  due: boolean;
  /** After a replacement that could not start, none is tried before this moment, on the monotonic clock. */
  notBefore: number;
  failedReplacements: number;
  lastWords: string;
}

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** Points of the memory curve in the log. */
const CURVE_POINTS = 12;

/** The children of a group. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #slots: Slot[];
  readonly #leaving = new Set<SupervisedChild>();
  readonly #brake: RestartBrake;
  readonly #listener: ChildListener;
  /** Replacements, one after the other. */
  #replacing: Promise<unknown> = Promise.resolve();
  #waiters: (() => void)[] = [];
  #sweep: Timer | undefined;
  #sweptAt: number;
  #closing = false;
  /** Children replaced so far, by why. */
  readonly replaced: Partial<Record<Why, number>> = {};
  /** Children that crashed so far. */
  crashes = 0;
  /** The rolling restart or replacement that failed last, until one succeeds. */
  failedReplacement: { readonly at: number; readonly lastWords: string } | undefined;

  constructor(options: CrewOptions) {
    this.#options = options;
    const { clock, brake, size } = options;
    this.#brake = new RestartBrake(clock, { crashes: Math.max(5, size + 1), ...brake });
    this.#slots = Array.from({ length: size }, () => ({
      current: undefined,
      next: undefined,
      settled: undefined,
      restart: undefined,
      recycler: undefined,
      due: false,
      notBefore: 0,
      failedReplacements: 0,
      lastWords: "",
    }));
    this.#sweptAt = clock.monotonic();
    this.#listener = {
      ready: (child) => this.#ready(child),
      free: () => options.handover.free(),
      missed: (_child, missed) => options.handover.missed(missed),
      beat: (child, vitals) => this.#beat(child, vitals),
      leaving: (child) => this.#asked(child),
      ended: (child, end) => this.#ended(child, end),
    };
  }

  /** All that live, by their numbers. */
  get children(): readonly SupervisedChild[] {
    const all = [...this.#slots.flatMap(({ current, next }) => [current, next]), ...this.#leaving];
    return all.filter((child) => child !== undefined).sort((a, b) => a.id - b.id);
  }

  /** Crashes that the brake counts now. */
  get recentCrashes(): number {
    return this.#brake.recent;
  }

  /** Whether every place has a child that takes connections. */
  get isComplete(): boolean {
    return this.#slots.every(({ current }) => current?.state === "ready");
  }

  /** Starts all children; resolves when all are ready at the same time, or none will be any more. */
  async start(): Promise<void> {
    for (const slot of this.#slots) this.#fill(slot);
    this.#armSweep();
    while (!this.isComplete && !this.#closing) await this.#change();
  }

  /**
   * Replaces all children, one after the other, each only when its successor is ready. Gives how many were; ends at the first
   * successor that cannot start.
   */
  async replaceAll(why: Why, text: string): Promise<number> {
    let count = 0;
    for (const slot of this.#slots) {
      if (slot.current === undefined) continue;
      if (!await this.#replace(slot, why, text)) break;
      count++;
    }
    return count;
  }

  /** Replaces one child, by its number; false when there is none, or its successor could not start. */
  async replace(id: number, why: Why, text: string): Promise<boolean> {
    const slot = this.#slots.find(({ current }) => current?.id === id);
    return slot !== undefined && await this.#replace(slot, why, text);
  }

  /** Has all of them finish and end; resolves when they have. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const slot of this.#slots) {
      slot.restart?.cancel();
      // One that has not begun has nothing to finish.
      slot.next?.kill("the group ends");
      if (slot.current?.state === "starting") slot.current.kill("the group ends");
    }
    for (const child of this.children) child.drain(this.#options.drainTimeoutMs);
    await this.#empty();
    this.#sweep?.cancel();
  }

  /** Ends all of them at once. */
  kill(why: string): void {
    this.#closing = true;
    for (const slot of this.#slots) slot.restart?.cancel();
    for (const child of this.children) child.kill(why);
  }

  /** Resolves when there is no child any more. */
  async #empty(): Promise<void> {
    while (this.children.length > 0) await this.#change();
  }

  #fill(slot: Slot): void {
    slot.restart = undefined;
    slot.current = this.#start();
    slot.recycler = this.#recycler(slot.current);
  }

  #start(): SupervisedChild {
    const child = this.#options.create(this.#listener);
    this.#options.tell({ type: "started", child: child.id, pid: child.pid });
    return child;
  }

  #recycler(child: SupervisedChild): Recycler {
    const { clock, recycle } = this.#options;
    return new Recycler(recycle, child.startedMonotonic, () => clock.random());
  }

  #ready(child: SupervisedChild): void {
    const { tell, handover } = this.#options;
    this.#brake.ready();
    tell({ type: "ready", child: child.id, tookMs: Math.round(child.readyAt! - child.startedAt) });
    if (this.#closing) return;
    handover.add(child);
    this.#slots.find(({ next }) => next === child)?.settled?.(true);
    this.#wake();
  }

  #beat(child: SupervisedChild, vitals: Vitals): void {
    const slot = this.#slots.find(({ current }) => current === child);
    if (slot?.recycler === undefined || this.#closing) return;
    const now = this.#options.clock.monotonic();
    const reason = slot.recycler.check(vitals, now);
    if (reason === undefined || slot.due || now < slot.notBefore || child.state !== "ready") return;
    void this.#replace(slot, reason.why, reason.text);
  }

  /** A child was told by somebody else to end: it serves until its successor does. */
  #asked(child: SupervisedChild): void {
    const slot = this.#slots.find(({ current }) => current === child);
    if (slot === undefined || this.#closing) return child.drain(this.#options.drainTimeoutMs);
    void this.#replace(slot, "signal", "it was told to end").then((done) => {
      if (!done) child.drain(this.#options.drainTimeoutMs);
    });
  }

  #replace(slot: Slot, why: Why, text: string): Promise<boolean> {
    slot.due = true;
    const turn = this.#replacing.then(() => this.#succeed(slot, why, text)).finally(() => slot.due = false);
    this.#replacing = turn;
    return turn;
  }

  /** Starts the successor of a child and, when it is ready, has the child end. */
  async #succeed(slot: Slot, why: Why, text: string): Promise<boolean> {
    const { clock, tell, handover, drainTimeoutMs } = this.#options;
    const old = slot.current;
    if (old === undefined || this.#closing) return false;
    old.leavingFor = text;
    tell({ type: "replacing", child: old.id, why, text, rssMebibytes: curve(old) });
    const next = slot.next = this.#start();
    const isReady = await new Promise<boolean>((resolve) => slot.settled = resolve);
    slot.next = slot.settled = undefined;
    if (!isReady) {
      old.leavingFor = undefined;
      const waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** slot.failedReplacements++);
      slot.notBefore = clock.monotonic() + waitMs;
      if (this.#closing) return false;
      this.failedReplacement = { at: clock.now(), lastWords: slot.lastWords };
      tell({ type: "replacement-failed", child: old.id, lastWords: slot.lastWords });
      // The child may have crashed meanwhile.
      if (slot.current === undefined && slot.restart === undefined) {
        this.#restart(slot, false, "", slot.lastWords);
      }
      return false;
    }
    slot.failedReplacements = 0;
    this.failedReplacement = undefined;
    const ending = slot.current;
    slot.current = next;
    slot.recycler = this.#recycler(next);
    this.replaced[why] = (this.replaced[why] ?? 0) + 1;
    this.#wake();
    if (ending !== undefined) {
      this.#leaving.add(ending);
      handover.remove(ending);
      ending.drain(drainTimeoutMs);
      while (this.#leaving.has(ending)) await this.#change();
    }
    tell({ type: "replaced", child: old.id, by: next.id });
    return true;
  }

  #ended(child: SupervisedChild, end: ChildEnd): void {
    this.#options.handover.lost(child);
    this.#leaving.delete(child);
    const slot = this.#slots.find(({ current, next }) => current === child || next === child);
    if (slot?.next === child) {
      slot.lastWords = `child ${child.id} ${howEnded(end)}${words(end)}`;
      if (this.#closing) slot.next = undefined;
      slot.settled?.(false);
    } else if (slot !== undefined) {
      slot.current = undefined;
      if (!this.#closing) this.#lost(slot, child, end);
    }
    this.#wake();
  }

  /** A place is empty that should not be. */
  #lost(slot: Slot, child: SupervisedChild, end: ChildEnd): void {
    if (end.expected) {
      // It was told to end by somebody, and its successor has not come about.
      if (slot.next === undefined) this.#fill(slot);
      return;
    }
    this.crashes++;
    // Its successor is on the way.
    if (slot.next !== undefined) {
      const { id } = child;
      this.#options.tell({
        type: "crashed",
        child: id,
        how: howEnded(end),
        lastWords: end.lastWords,
        restartInMs: 0,
      });
      return;
    }
    this.#restart(slot, end.wasReady, howEnded(end), end.lastWords, child.id);
  }

  #restart(slot: Slot, wasReady: boolean, how: string, lastWords: string, child?: number): void {
    const { clock, tell } = this.#options;
    const after = this.#brake.crashed(wasReady);
    if (child !== undefined) {
      tell({ type: "crashed", child, how, lastWords, restartInMs: after.type === "wait" ? after.ms : 0 });
    }
    if (after.type === "give up") return this.#giveUp(after.why, how, lastWords);
    slot.restart = clock.schedule(after.ms, () => this.#fill(slot), { keepAlive: true });
  }

  #giveUp(why: string, how: string, lastWords: string): void {
    this.kill("the group gave up");
    this.#options.tell({ type: "gave-up", why, lastWords });
    const said = lastWords === ""
      ? "It wrote nothing to its standard error."
      : `Its last words:\n${indented(lastWords)}`;
    this.#options.gaveUp(
      new BallastError("CHILD_FAILED", `the group gave up: ${why}. The last one ${how}. ${said}`, {
        data: { why, how, lastWords },
      }),
    );
  }

  /** Resolves when a child has become ready, or has ended. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  #armSweep(): void {
    const { clock, sweepMs } = this.#options;
    this.#sweep = clock.schedule(sweepMs, () => {
      this.#lookAfter();
      this.#armSweep();
    });
  }

  /** Kills children that are stuck. */
  #lookAfter(): void {
    const { clock, stuckMs, tell } = this.#options;
    const now = clock.monotonic();
    const lateMs = now - this.#sweptAt - this.#options.sweepMs;
    this.#sweptAt = now;
    // This process itself did not run, so it has not read what the children said meanwhile.
    if (lateMs > stuckMs / 4) return;
    for (const child of this.children) {
      child.lookAfter();
      const silentMs = now - child.heardAt;
      if (child.state !== "ready" || silentMs < stuckMs) continue;
      tell({ type: "stuck", child: child.id, silentMs: Math.round(silentMs) });
      child.kill(`it was stuck: no heartbeat for ${Math.round(silentMs)} ms`);
    }
    for (const child of this.children) {
      if (child.waitedMs >= stuckMs) child.kill("it was stuck: it took no more connections");
    }
  }
}

/** How a child ended, after "child 3" or "the last one". */
function howEnded({ code, signal, error, killed }: ChildEnd): string {
  if (killed !== undefined) return `was killed: ${killed}`;
  if (error !== undefined) return "could not be started";
  if (signal !== undefined) return `was ended by ${signal}`;
  return code === undefined ? "is gone" : `ended with code ${code}`;
}

function words({ lastWords }: ChildEnd): string {
  return lastWords === "" ? "" : `:\n${indented(lastWords)}`;
}

function indented(text: string): string {
  return text.split("\n").map((line) => `  ${line}`).join("\n");
}

/** The memory of a child lately, oldest first. */
function curve({ beats }: SupervisedChild): number[] {
  const step = Math.max(1, Math.ceil(beats.length / CURVE_POINTS));
  return beats.filter((_, index) => (beats.length - 1 - index) % step === 0)
    .map(({ rssBytes }) => Math.round(rssBytes / 2 ** 20));
}
