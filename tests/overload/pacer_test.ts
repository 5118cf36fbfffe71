import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { createPacer, type Pacer } from "../../src/overload/pacer.ts";

describe("a pacer", () => {
  let now: number;
  let arrivals: number;
  let polls: number;
  let endTurn: () => void;
  let pacer: Pacer;

  beforeEach(() => {
    [now, arrivals, polls] = [0, 0, 0];
    pacer = createPacer({
      nextTurn: () => new Promise((resolve) => endTurn = resolve),
      async nextPoll(_arrivals, isOver) {
        // A flood: something has always come, each taking half a millisecond.
        for (; !isOver() && polls < 1_000; polls++) now += 0.5;
        await Promise.resolve();
      },
      arrivals: () => arrivals,
      monotonic: () => now,
      resume: () => {},
    });
  });

  /** Starts as many as it lets, each taking `eachMs`; then the turn ends. Returns how many. */
  async function turn(eachMs: number, refusals = 0): Promise<number> {
    let started = 0;
    while (!pacer.held) {
      pacer.started(now);
      started++;
      now += eachMs;
    }
    arrivals += refusals;
    now += refusals * 0.2;
    endTurn();
    for (let i = 0; i < 10; i++) await Promise.resolve();
    return started;
  }

  it("lets more be started in a turn while turns are short, up to a bound", async () => {
    const counts: number[] = [];
    for (let i = 0; i < 8; i++) counts.push(await turn(0.01));
    assert.deepEqual(counts, [1, 2, 4, 8, 16, 32, 32, 32]);
  });

  it("goes back to one at once when a turn was long, and takes in first what has come", async () => {
    for (let i = 0; i < 8; i++) await turn(0.01);
    // By the clock: those that follow in the same turn are not started any more.
    assert.equal(await turn(5), 2);
    assert.ok(polls > 0);
    assert.equal(await turn(5), 1);
  });

  it("does not wait for ever for a flood to be taken in", async () => {
    await turn(5);
    assert.ok(polls > 0 && polls < 10, `${polls} polls`);
    assert.equal(pacer.held, false);
  });

  it("does not take a turn full of refusals for one in which too much was started", async () => {
    for (let i = 0; i < 8; i++) await turn(0.01);
    assert.equal(await turn(0.01, 100), 32);
    assert.equal(await turn(0.01), 32);
    assert.equal(polls, 0);
  });
});
