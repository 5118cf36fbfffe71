/** Rules that hold for every input: health, budget, choice, places. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { createRetryBudget } from "@ballast/runtime/connections";
import { simulatedClock } from "@ballast/runtime/testing";
import fc from "fast-check";
import { choose } from "../../src/connections/balancer.ts";
import { Health, markdownPolicy } from "../../src/connections/health.ts";
import { isPlaceText, parsePlace, placeText } from "../../src/connections/place.ts";

test("health: what is down admits nobody until its time, and then one; spans double within their bounds", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.record({ do: fc.constantFrom("connected", "dialFailed", "used", "useFailed", "probe") }),
          fc.record({ do: fc.constant("wait"), ms: fc.integer({ min: 1, max: 60_000 }) }),
        ),
        { maxLength: 40 },
      ),
      async (steps) => {
        const clock = simulatedClock();
        const policy = markdownPolicy({ failures: 3, baseMs: 1_000, maxMs: 8_000 });
        const health = new Health(clock, policy);
        let probing = false;
        for (const step of steps) {
          const before = health.state;
          const markdowns = health.markdowns;
          const now = clock.monotonic();
          switch (step.do) {
            case "wait":
              await clock.advance((step as { ms: number }).ms);
              break;
            case "probe": {
              const isMine = health.probe();
              assert.equal(isMine, before === "half-open" && !probing);
              probing ||= isMine;
              break;
            }
            case "connected":
            case "dialFailed": {
              const change = step.do === "connected" ? health.connected(now) : health.dialFailed("no");
              if (probing) health.probed();
              probing = false;
              // Whatever was down is up once somebody got through.
              if (step.do === "connected") assert.equal(health.state, "up");
              if (before === "up" && change === "recovered") assert.fail("it was not down");
              if (change === "marked-down") {
                const span = health.downUntil - now;
                const wanted = Math.min(8_000, 1_000 * 2 ** (health.markdowns - 1));
                assert.ok(span >= 0.9 * wanted && span <= 1.1 * wanted, `${span} of ${wanted}`);
                assert.equal(health.markdowns, markdowns + 1);
              }
              break;
            }
            case "used":
              health.used();
              if (before === "up") assert.equal(health.markdowns, 0);
              break;
            case "useFailed":
              if (health.useFailed("no") === "marked-down") assert.equal(before, "up");
              break;
          }
          if (health.state === "down") assert.equal(health.admits, false);
          if (health.state === "up") assert.equal(health.admits, true);
          if (health.state === "half-open") assert.equal(health.admits, !probing);
          assert.equal(health.isUp, health.state === "up");
        }
      },
    ),
    { numRuns: 150 },
  ));

test("health: by hand is until by hand, or for so long", async () => {
  const clock = simulatedClock();
  const health = new Health(clock, markdownPolicy());
  health.markDown("maintenance");
  await clock.advance(1e9);
  assert.equal(health.connected(clock.monotonic()), undefined);
  assert.deepEqual([health.state, health.admitsPanic], ["down", false]);
  health.markUp();
  health.markDown("a minute", 60_000);
  await clock.advance(60_000);
  assert.equal(health.state, "half-open");
  assert.equal(health.connected(clock.monotonic()), "recovered");
});

test("health: too few successes mark an address down, however they are spread", async () => {
  const clock = simulatedClock();
  const health = new Health(clock, markdownPolicy({ failures: 1_000, minOutcomes: 20, successRate: 0.5 }));
  let change;
  for (let outcome = 0; outcome < 40 && change === undefined; outcome++) {
    await clock.advance(100);
    if (outcome % 3 === 0) health.connected(clock.monotonic());
    else change = health.dialFailed("two of three");
  }
  assert.equal(change, "marked-down");
});

test("budget: over any ten seconds, retries are at most a fifth of the calls and ten a second", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ max: 2_000, min: 0 }), fc.integer({ max: 60, min: 0 })), {
        maxLength: 60,
      }),
      async (steps) => {
        const clock = simulatedClock();
        const budget = createRetryBudget({ clock, ratio: 0.2, perSecond: 1, windowMs: 10_000 });
        const calls: number[] = [];
        const granted: number[] = [];
        for (const [ms, count] of steps) {
          await clock.advance(ms);
          for (let call = 0; call < count; call++) {
            budget.deposit();
            calls.push(clock.monotonic());
            if (budget.withdraw()) granted.push(clock.monotonic());
          }
        }
        for (const end of granted) {
          // A slice leaves the window whole: the last nine of them are certain to be within it.
          const within = (times: number[], ms: number) =>
            times.filter((at) => at <= end && at > end - ms).length;
          assert.ok(within(granted, 9_000) <= 0.2 * within(calls, 10_000) + 10 + 1e-9);
        }
        const { calls: all, granted: given, refused } = budget.snapshot();
        assert.deepEqual([all, given + refused, given], [calls.length, calls.length, granted.length]);
      },
    ),
    { numRuns: 60 },
  ));

const candidates = fc.array(
  fc.record({
    weight: fc.constantFrom(0, 1, 1, 1, 2, 5.5),
    inUse: fc.nat(20),
    connectMs: fc.option(fc.double({ min: 0, max: 1e4, noNaN: true }), { nil: undefined }),
    usable: fc.boolean(),
  }),
  { maxLength: 8 },
);

test("choice: always a usable one where there is one, and never one of weight zero where there is another", () =>
  fc.assert(fc.property(candidates, fc.integer(), (list, seed) => {
    const clock = simulatedClock({ seed: Math.abs(seed) });
    const usable = list.filter((candidate) => candidate.usable);
    for (let times = 0; times < 5; times++) {
      const chosen = choose(list, (candidate) => candidate.usable, () => clock.random());
      assert.equal(chosen === undefined, usable.length === 0);
      if (chosen === undefined) continue;
      assert.ok(chosen.usable);
      if (usable.some(({ weight }) => weight > 0)) assert.notEqual(chosen.weight, 0);
    }
  })));

test("choice: the share of equals is that of their weights, and what is slow or busy is passed by", () => {
  const clock = simulatedClock();
  const share = (list: { weight: number; inUse: number; connectMs: number }[]) => {
    const counts = list.map(() => 0);
    for (let times = 0; times < 20_000; times++) {
      counts[list.indexOf(choose(list, () => true, () => clock.random())!)]!++;
    }
    return counts.map((count) => count / 20_000);
  };
  const even = { weight: 1, inUse: 0, connectMs: 1 };
  for (const part of share([even, { ...even }, { ...even }, { ...even }])) {
    assert.ok(Math.abs(part - 0.25) < 0.02, `${part}`);
  }
  const [slow] = share([{ ...even, connectMs: 20 }, even, { ...even }, { ...even }]);
  assert.equal(slow, 0);
  const [busy] = share([{ ...even, inUse: 3 }, even, { ...even }]);
  assert.equal(busy, 0);
});

const hosts = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]([a-z0-9-]{0,8}[a-z0-9])?){0,3}$/),
);

test("places: what is read is written, and read again is the same", () =>
  fc.assert(fc.property(hosts, fc.integer({ min: 1, max: 65_535 }), (host, port) => {
    const place = parsePlace({ host, port });
    const text = placeText(place);
    assert.ok(isPlaceText(text));
    assert.deepEqual(parsePlace(text), place);
    assert.equal(placeText(parsePlace(text)), text);
    assert.deepEqual(parsePlace({ hostname: host.toUpperCase(), port }), place);
  })));

test("places: anything else is refused with what is wanted, never with a crash", () =>
  fc.assert(fc.property(fc.oneof(fc.string(), fc.anything()), (given) => {
    try {
      assert.ok(placeText(parsePlace(given as never)).length > 0);
    } catch (error) {
      assert.ok(
        error instanceof TypeError || error instanceof RangeError ||
          (error as { code?: string }).code === "INVALID_NAME",
        `${error}`,
      );
      assert.match((error as Error).message, /must|name/);
    }
  })));
