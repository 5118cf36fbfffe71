import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDistribution, createStats } from "@ballast/runtime/stats";
import { simulatedClock } from "@ballast/runtime/testing";

/** A clock that counts how often it is read. */
function countingClock() {
  const clock = simulatedClock();
  let reads = 0;
  return {
    advance: (ms: number) => clock.advance(ms),
    moment: () => clock.now(),
    reads: () => reads,
    now() {
      reads++;
      return clock.now();
    },
  };
}

describe("recent points", () => {
  it("have exactly the moments that they were told", () => {
    const distribution = createDistribution({ clock: { now: () => assert.fail("the clock was read") } });
    for (let i = 0; i < 100; i++) distribution.add(i, 1_000 + i * 3.25);
    assert.deepEqual(
      distribution.recent(),
      Array.from({ length: 32 }, (_, i) => [1_000 + (68 + i) * 3.25, 68 + i]),
    );
  });

  it("have exact moments when they come slowly, nobody telling them", async () => {
    const clock = countingClock();
    const distribution = createDistribution({ clock });
    const expected: [number, number][] = [];
    for (let i = 0; i < 20; i++) {
      await clock.advance(150 + i);
      distribution.add(i);
      if (i > 1) expected.push([clock.moment(), i]);
    }
    assert.deepEqual(distribution.recent().slice(2), expected);
  });

  it("have moments between two readings of the clock, every 32nd value at least, when they come fast", async () => {
    const clock = countingClock();
    const distribution = createDistribution({ clock });
    const startedAt = clock.moment();
    for (let i = 0; i < 32_000; i++) distribution.add(i);
    assert.ok(clock.reads() <= 1_010, `${clock.reads()} readings`);
    await clock.advance(50);
    for (let i = 0; i < 20; i++) distribution.add(i);
    const times = distribution.recent().map(([at]) => at);
    assert.deepEqual([...times].sort((a, b) => a - b), times);
    assert.ok(times[0]! >= startedAt && times.at(-1)! <= clock.moment());
  });

  it("take no moment that is none", () => {
    const distribution = createDistribution({ clock: { now: () => 5_000 } });
    const strange = [NaN, -1, Infinity, 1e15, "7", null, {}] as number[];
    for (const at of strange) distribution.add(1, at);
    assert.deepEqual(distribution.recent(), strange.map(() => [5_000, 1]));
  });

  it("do not run backwards when the clock is set back", () => {
    let now = 10_000;
    const distribution = createDistribution({ clock: { now: () => now } });
    distribution.add(1);
    now = 4_000;
    for (let i = 0; i < 5; i++) distribution.add(2);
    assert.ok(distribution.recent().slice(1).every(([at]) => at === 4_000));
    assert.equal(distribution.averages()[0]?.mean, 11 / 6);
  });
});

describe("averages", () => {
  it("weigh a value the less the older it is", async () => {
    const clock = simulatedClock();
    const distribution = createDistribution({ clock });
    distribution.add(10);
    await clock.advance(60_000);
    distribution.add(40);
    const [minute, five, fifteen] = distribution.averages();
    const expected = (overMs: number) =>
      (10 * Math.exp(-60_000 / overMs) + 40) / (Math.exp(-60_000 / overMs) + 1);
    for (const { overMs, mean } of [minute!, five!, fifteen!]) {
      assert.ok(Math.abs(mean! - expected(overMs)) < 1e-9, `${mean} over ${overMs} ms`);
    }
  });

  it("are of what comes now, and know how much that is", async () => {
    const clock = simulatedClock();
    const distribution = createDistribution({ clock });
    for (let second = 0; second < 300; second++) {
      for (let i = 0; i < 10; i++) distribution.add(second < 240 ? 100 : 5);
      await clock.advance(1_000);
    }
    const [minute] = distribution.averages();
    assert.ok(Math.abs(minute!.perSecond - 10) < 0.3, `${minute!.perSecond} a second`);
    assert.ok(minute!.mean! < 45, `${minute!.mean} over the last minute`);
    assert.ok(distribution.mean > 80);
    await clock.advance(600_000);
    assert.ok(distribution.averages()[0]!.perSecond < 0.001);
  });

  it("of nothing are null", () => {
    assert.deepEqual(createDistribution().averages().map(({ mean, perSecond }) => [mean, perSecond]), [
      [null, 0],
      [null, 0],
      [null, 0],
    ]);
  });
});

describe("exemplars", () => {
  function traced() {
    const clock = simulatedClock();
    let asked = 0;
    let trace: string | undefined = "t0";
    const stats = createStats({
      clock,
      traceId() {
        asked++;
        return trace;
      },
    });
    return {
      clock,
      stats,
      query: stats.distribution("query"),
      asked: () => asked,
      set: (next: string | undefined) => trace = next,
    };
  }
  const lines = (text: string) => text.split("\n").filter((line) => line.includes(" # {"));

  it("are asked for rarely, however many values there are", async () => {
    const { clock, query, asked } = traced();
    for (let second = 0; second < 10; second++) {
      for (let i = 0; i < 10_000; i++) query.add(1 + i % 7);
      await clock.advance(1_000);
    }
    assert.ok(asked() >= 10 && asked() <= 150, `asked ${asked()} times`);
  });

  it("catch the one slow value among many, with its own trace", () => {
    const { query, set, stats, clock } = traced();
    for (let i = 0; i < 1_000; i++) {
      set(`t${i}`);
      query.add(i === 777 ? 900 : 2);
    }
    const [slow] = lines(stats.openMetrics()).slice(-1);
    const at = clock.now() / 1_000;
    assert.equal(slow, `ballast_query_duration_seconds_bucket{le="1.0"} 1000 # {trace_id="t777"} 0.9 ${at}`);
  });

  it("are in no text but OpenMetrics, and in none without a trace", () => {
    const { query, set, stats } = traced();
    set(undefined);
    query.add(1);
    assert.deepEqual(lines(stats.openMetrics()), []);
    assert.equal(query.snapshot().exemplars, undefined);
  });

  it("survive a function that throws, and ids that nobody could export", () => {
    for (
      const traceId of [
        () => assert.fail("no trace"),
        () => "x".repeat(65),
        () => 7 as unknown as string,
        () => "",
      ]
    ) {
      const distribution = createDistribution({ traceId });
      for (let i = 0; i < 100; i++) distribution.add(i);
      assert.deepEqual([distribution.count, distribution.snapshot().exemplars], [100, undefined]);
    }
  });

  it("merge: of each octave the later one stays", async () => {
    const { clock, query, set } = traced();
    query.add(1.5);
    const before = query.snapshot();
    query.reset();
    await clock.advance(5_000);
    set("later");
    query.add(1.6);
    query.merge(before);
    assert.deepEqual(query.snapshot().exemplars?.map(({ traceId }) => traceId), ["later"]);
  });
});
