import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  createQueue,
  type Entry,
  PRIORITIES,
  type Priority,
  type QueueOptions,
} from "@ballast/runtime/overload";

/** A queue of texts, and what it refused. */
function setUp(options: QueueOptions = {}) {
  const refused: string[] = [];
  const queue = createQueue<string>(options, ({ value }, reason) => refused.push(`${value} ${reason}`));
  const push = (now: number, value: string, priority?: Priority, client?: string) =>
    queue.push(now, { value, priority, client });
  const takeAll = (now: number) => {
    const taken: string[] = [];
    for (let next = queue.take(now); next !== undefined; next = queue.take(now)) taken.push(next.value);
    return taken;
  };
  return { queue, refused, push, takeAll };
}

describe("the queue", () => {
  it("serves the oldest first, the more important before all others", () => {
    const { push, takeAll } = setUp();
    push(0, "a");
    push(1, "b", "sheddable");
    push(2, "c", "critical");
    push(3, "d");
    assert.deepEqual(takeAll(5), ["c", "a", "d", "b"]);
  });

  it("refuses what waits too long, and says when to look next", () => {
    const { queue, push, refused } = setUp({ maxWaitMs: 100 });
    push(0, "a");
    push(30, "b");
    assert.equal(queue.nextSweep(), 100);
    queue.sweep(99);
    assert.deepEqual(refused, []);
    queue.sweep(110);
    assert.deepEqual(refused, ["a age"]);
    // The oldest had been over the target for an interval only now: b is not judged by that yet.
    assert.equal(queue.size, 1);
  });

  it("serves the newest first once the oldest has been over the target for an interval, until it is calm again", () => {
    const { queue, push, takeAll, refused } = setUp({ targetMs: 20, intervalMs: 100, maxWaitMs: 1_000 });
    for (let now = 0; now <= 130; now += 10) {
      push(now, `${now}`);
      queue.sweep(now);
    }
    assert.equal(queue.overloaded, true);
    // Under overload nobody waits longer than one and a half times the target.
    assert.deepEqual(
      refused,
      ["0", "10", "20", "30", "40", "50", "60", "70", "80", "90", "100"].map((at) => `${at} age`),
    );
    assert.equal(queue.take(130)!.value, "130");
    assert.equal(queue.take(130)!.value, "120");
    assert.deepEqual(takeAll(130), ["110"]);
    assert.equal(queue.overloaded, false);
  });

  it("has room for so many: in calm the newcomer is refused, under overload the oldest, and the less important first", () => {
    const { push, refused, queue } = setUp({ maxLength: 2, targetMs: 5, intervalMs: 10, maxWaitMs: 1_000 });
    push(0, "a");
    push(0, "b", "sheddable");
    assert.equal(push(0, "c", "sheddable"), undefined);
    push(0, "d", "critical");
    assert.deepEqual(refused, ["c full", "b full"]);
    assert.equal(push(0, "e", "sheddable"), undefined);
    queue.sweep(6);
    queue.take(17);
    assert.deepEqual(refused.slice(2), ["e full"]);

    const crowded = setUp({ maxLength: 2, targetMs: 5, intervalMs: 10, maxWaitMs: 100 });
    crowded.push(0, "a");
    crowded.queue.sweep(6);
    crowded.push(8, "b");
    crowded.queue.sweep(9);
    assert.equal(crowded.queue.overloaded, false);
    crowded.push(15, "c");
    assert.deepEqual(crowded.refused, ["c full"]);
  });

  it("without length refuses all", () => {
    const { push, refused } = setUp({ maxLength: 0 });
    assert.equal(push(0, "a", "critical"), undefined);
    assert.deepEqual(refused, ["a full"]);
  });

  it("serves clients in turn where it is fair, and refuses of the one that has most", () => {
    const { push, takeAll, refused } = setUp({ fair: true, maxLength: 5 });
    for (let i = 1; i <= 4; i++) push(0, `flood${i}`, "normal", "flood");
    push(0, "a", "normal", "a");
    push(0, "b", "normal", "b");
    assert.deepEqual(refused, ["flood1 full"]);
    assert.deepEqual(takeAll(1), ["flood2", "a", "b", "flood3", "flood4"]);
  });

  it("refuses what can no longer be done in time, as soon as that is so", () => {
    const { queue, refused } = setUp();
    queue.push(0, { value: "a", until: 40 });
    queue.push(0, { value: "b", until: 60 });
    assert.ok(queue.nextSweep() <= 40);
    queue.sweep(39);
    assert.deepEqual(refused, []);
    queue.sweep(40);
    assert.deepEqual([refused, queue.size], [["a deadline"], 1]);
  });

  it("loses nothing and gives nothing twice: each is taken, removed, refused or drained", () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant("push" as const),
        priority: fc.constantFrom(...PRIORITIES),
        client: fc.constantFrom("a", "b", "c"),
        until: fc.option(fc.nat(80), { nil: undefined }),
      }),
      fc.record({ do: fc.constant("take" as const) }),
      fc.record({ do: fc.constant("remove" as const), which: fc.nat(100) }),
      fc.record({ do: fc.constant("wait" as const), ms: fc.nat(60) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.boolean(), (steps, fair) => {
        const ends = new Map<number, number>();
        const end = ({ value }: Entry<number>) => ends.set(value, (ends.get(value) ?? 0) + 1);
        const queue = createQueue<number>({ maxLength: 10, fair, intervalMs: 50 }, end);
        const entries: Entry<number>[] = [];
        let [now, pushed] = [0, 0];
        for (const one of steps) {
          if (one.do === "wait") now += one.ms;
          queue.sweep(now);
          if (one.do === "push") {
            const until = one.until === undefined ? undefined : now + one.until;
            const entry = queue.push(now, { ...one, value: pushed++, until });
            if (entry !== undefined) entries.push(entry);
          } else if (one.do === "take") {
            const taken = queue.take(now);
            if (taken !== undefined) end(taken);
          } else if (one.do === "remove" && entries.length > 0) {
            const entry = entries[one.which % entries.length]!;
            if (queue.remove(entry)) end(entry);
          }
          assert.ok(queue.size <= 10 && queue.oldestAgeMs(now) <= 100);
          assert.equal(queue.size + ends.size, pushed);
          assert.equal(queue.ahead("sheddable"), queue.size);
        }
        queue.drain().forEach(end);
        assert.equal(ends.size, pushed);
        assert.ok([...ends.values()].every((times) => times === 1));
        assert.equal(queue.nextSweep(), Infinity);
      }),
      { numRuns: 300 },
    );
  });
});
