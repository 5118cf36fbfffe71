/**
 * How `FakeTime` and Ballast's clock go together.
 *
 * `FakeTime` replaces `Date`, `setTimeout`, `setInterval` and `AbortSignal.timeout`, and leaves `performance.now` alone.
 * Ballast's `systemClock` looks all of them up when it needs them: its wall clock and its one timer become fake, but ages
 * and due times are measured by `performance.now`, so a tick wakes it up and nothing is due.
 *
 * Recommended is what the last test does: a simulated clock for Ballast, and FakeTime for code that knows only the globals.
 */

import { createDnsCache, staticResolver, systemClock } from "@ballast/runtime";
import { simulatedClock } from "@ballast/runtime/testing";
import { describe, it } from "@std/testing/bdd";
import { assertSpyCalls, spy, stub } from "@std/testing/mock";
import { FakeTime } from "@std/testing/time";
import assert from "node:assert/strict";

describe("FakeTime and systemClock", () => {
  it("alone moves the wall clock: Ballast's timers stay, and it sees a clock that was set forward", () => {
    using time = new FakeTime();
    const fired = spy();
    const jumped = spy((_jumpMs: number) => {});
    const timer = systemClock.schedule(60_000, fired);
    const unsubscribe = systemClock.onJump(jumped);

    time.tick(120_000);

    assertSpyCalls(fired, 0);
    assert.ok(jumped.calls.length > 0);
    assert.ok(jumped.calls.every(({ args: [jumpMs] }) => jumpMs > 0));

    // While time is still fake, always: a timer left behind goes with it, and the clock would wait for it.
    unsubscribe();
    timer.cancel();
    assert.equal(systemClock.pending, 0);
  });

  it("moves Ballast's timers, too, where performance.now is stubbed", () => {
    using time = new FakeTime();
    const startedAt = Math.ceil(performance.now());
    using _ = stub(performance, "now", () => startedAt + time.now - time.start);
    const fired = spy();
    const jumped = spy();
    systemClock.schedule(60_000, fired);
    const unsubscribe = systemClock.onJump(jumped);

    time.tick(59_999);
    assertSpyCalls(fired, 0);
    time.tick(1);
    assertSpyCalls(fired, 1);
    assertSpyCalls(jumped, 0);

    unsubscribe();
    assert.equal(systemClock.pending, 0);
  });
});

describe("FakeTime and a simulated clock", () => {
  it("go their own ways: each is moved where it is used, and what is set in motion is awaited", async () => {
    using time = new FakeTime();
    const clock = simulatedClock();
    await using dns = createDnsCache({ clock, resolver: staticResolver({ "db.internal": ["10.0.0.4"] }) });
    const refreshed = spy();
    dns.events.subscribe(({ type }) => {
      if (type === "refreshed") refreshed();
    });
    await dns.resolve("db.internal");

    await time.tickAsync(300_000);
    assertSpyCalls(refreshed, 0);
    await clock.advance(300_000);
    assertSpyCalls(refreshed, 1);
  });
});
