import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BallastError } from "@ballast/runtime";
import {
  createStats,
  decodeStats,
  type DistributionSnapshot,
  encodeStats,
  mergeStats,
  parseStats,
  type SketchSnapshot,
  type StatesSnapshot,
  type Stats,
} from "@ballast/runtime/stats";
import { type SimulatedClock, simulatedClock } from "@ballast/runtime/testing";
import fc from "fast-check";

/** A registry with everything in it. */
async function filled(clock: SimulatedClock, seed = 1): Promise<Stats> {
  const stats = createStats({ clock, traceId: () => `trace-${seed}` });
  stats.counter("mail.sent", { help: 'Letters "sent"', labels: { kind: "é😀" } }).add(2 ** 40 + seed + 0.5);
  stats.gauge("depth").set(-seed);
  stats.observe("names", { kind: "gauge" }, () => seed);
  const query = stats.distribution("query");
  for (let i = 0; i < 500; i++) {
    await clock.advance(i % 7);
    query.add(seed * 1.01 ** i);
  }
  stats.distribution("body", { unit: "bytes", labels: { a: "1", b: "2" } }).add(100);
  stats.distribution("empty").add(NaN);
  const connection = stats.stateStats("connection");
  const machine = connection.start("connecting");
  await clock.advance(10);
  machine.to("pooled");
  connection.start("connecting").to("failed");
  for (let i = 0; i < 300; i++) stats.sketch("clients").add(`10.0.${seed}.${i % 200}`);
  return stats;
}

function invalid(error: unknown): boolean {
  return error instanceof BallastError && error.code === "INVALID_SNAPSHOT";
}

describe("a snapshot of a registry", () => {
  it("comes back from JSON and from bytes as it was", async () => {
    const snapshot = (await filled(simulatedClock())).snapshot();
    assert.deepEqual(parseStats(JSON.stringify(snapshot)), snapshot);
    assert.deepEqual(parseStats(JSON.parse(JSON.stringify(snapshot))), snapshot);
    assert.deepEqual(decodeStats(encodeStats(snapshot)), snapshot);
  });

  it("is much smaller in bytes", async () => {
    const snapshot = (await filled(simulatedClock())).snapshot();
    const [bytes, json] = [encodeStats(snapshot).length, JSON.stringify(snapshot).length];
    assert.ok(bytes < json / 2.5, `${bytes} bytes, ${json} in JSON`);
  });

  it("comes back whatever is in its distributions", () => {
    fc.assert(fc.property(fc.array(fc.double({ min: 0, noNaN: true }), { maxLength: 100 }), (values) => {
      const stats = createStats({ clock: simulatedClock() });
      for (const value of values) stats.distribution("d", { unit: "1" }).add(value);
      const snapshot = stats.snapshot();
      assert.deepEqual(parseStats(JSON.stringify(snapshot)), snapshot);
      assert.deepEqual(decodeStats(encodeStats(snapshot)), snapshot);
    }));
  });

  it("is refused with one error when it is none, whatever it is", async () => {
    const good = (await filled(simulatedClock())).snapshot();
    const metric = good.metrics.find(({ name }) => name === "query")!;
    const first = metric.series[0]!;
    const refused: unknown[] = [
      "",
      "{",
      "null",
      null,
      undefined,
      7,
      [],
      {},
      { ...good, version: 2 },
      { ...good, at: "now" },
      { ...good, metrics: {} },
      { ...good, metrics: [null] },
      { ...good, metrics: [metric, metric] },
      { ...good, metrics: [{ ...metric, name: "a b" }] },
      { ...good, metrics: [{ ...metric, kind: "__proto__" }] },
      { ...good, metrics: [{ ...metric, unit: "s" }] },
      { ...good, metrics: [{ ...metric, unit: "bytes" }] },
      { ...good, metrics: [{ ...metric, help: 7 }] },
      { ...good, metrics: [{ ...metric, series: [{ ...first, labels: null }] }] },
      { ...good, metrics: [{ ...metric, series: [{ ...first, labels: { le: "1" } }] }] },
      { ...good, metrics: [{ ...metric, series: [{ ...first, labels: JSON.parse('{"__proto__": "x"}') }] }] },
      { ...good, metrics: [{ ...metric, series: [{ ...first, value: null }] }] },
      { ...good, metrics: [{ ...metric, kind: "counter" }] },
      { ...good, metrics: [{ ...metric, kind: "states" }] },
      { ...good, metrics: [{ ...metric, kind: "sketch" }] },
    ];
    for (const json of refused) {
      assert.throws(() => parseStats(json), invalid, JSON.stringify(json)?.slice(0, 100));
    }
  });

  it("of hostile bytes is a snapshot or that error, and takes no time or memory", async () => {
    const good = encodeStats((await filled(simulatedClock())).snapshot());
    const attempt = (bytes: Uint8Array) => {
      try {
        parseStats(decodeStats(bytes));
      } catch (error) {
        assert.ok(invalid(error), String(error));
      }
    };
    for (let length = 0; length < good.length; length += 1 + length % 11) attempt(good.subarray(0, length));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })), { minLength: 1 }),
        (edits) => {
          const bytes = good.slice();
          for (const [at, byte] of edits) bytes[at] = byte;
          attempt(bytes);
        },
      ),
      { numRuns: 300 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => attempt(bytes)));
    // A list that claims to be huge, and a text that does.
    assert.throws(
      () => decodeStats(Uint8Array.of(0xba, 1, 1, ...new Array(8).fill(0), 255, 255, 255, 255, 127)),
      invalid,
    );
    assert.throws(() => decodeStats(Uint8Array.of(0xba, 1, 2)), invalid);
  });
});

describe("merged registries", () => {
  it("are as one that recorded everything", async () => {
    const clock = simulatedClock();
    const [one, two] = [await filled(clock, 1), await filled(clock, 3)];
    const both = mergeStats([one.snapshot(), decodeStats(encodeStats(two.snapshot()))]);
    assert.deepEqual(both.conflicts, []);
    const value = (name: string) => both.metrics.find((metric) => metric.name === name)!.series[0]!.value;
    assert.equal(value("mail.sent"), 2 ** 41 + 5);
    assert.equal(value("names"), 4);
    const depth = both.metrics.find(({ name }) => name === "depth")!;
    assert.deepEqual(depth.series[0], { labels: {}, value: -4, min: -3, max: -1 });
    const all = createStats({ clock }).distribution("query");
    for (const seed of [1, 3]) for (let i = 0; i < 500; i++) all.add(seed * 1.01 ** i);
    const merged = value("query") as DistributionSnapshot;
    const expected = all.snapshot();
    assert.deepEqual([merged.buckets, merged.p99, merged.max], [
      expected.buckets,
      expected.p99,
      expected.max,
    ]);
    const clients = value("clients") as SketchSnapshot;
    assert.equal(clients.count, 600);
    assert.ok(Math.abs(clients.cardinality - 400) <= 8, `${clients.cardinality} clients`);
    const states = value("connection") as StatesSnapshot;
    assert.deepEqual([states.started, states.states.map(({ current }) => current)], [4, [0, 2, 2]]);
    assert.deepEqual(parseStats(JSON.stringify(both)).metrics.length, both.metrics.length);
  });

  it("in three are the same in whatever order", async () => {
    const clock = simulatedClock();
    const [a, b, c] = [await filled(clock, 1), await filled(clock, 2), await filled(clock, 5)].map((s) =>
      s.snapshot()
    );
    const exact = (merged: ReturnType<typeof mergeStats>) =>
      merged.metrics.filter(({ kind }) => kind === "distribution").flatMap(({ series }) =>
        series.map(({ value }) => {
          const { count, min, max, p50, p99, buckets } =
            value as ReturnType<Stats["distribution"]>["snapshot"] extends () => infer S ? S : never;
          return { count, min, max, p50, p99, buckets };
        })
      );
    const left = mergeStats([mergeStats([a!, b!]), c!]);
    assert.deepEqual(exact(left), exact(mergeStats([a!, mergeStats([b!, c!])])));
    assert.deepEqual(exact(left), exact(mergeStats([c!, a!, b!])));
  });

  it("say what does not fit together, and keep the first", () => {
    const [one, two] = [createStats(), createStats()];
    one.counter("x").add(3);
    two.distribution("x").add(1);
    const { conflicts, metrics } = mergeStats([one.snapshot(), two.snapshot()]);
    assert.deepEqual([conflicts, metrics[0]?.kind, metrics[0]?.series[0]?.value], [["x"], "counter", 3]);
  });

  it("bound their series", () => {
    const many = [0, 1, 2].map((part) => {
      const stats = createStats();
      for (let i = 0; i < 5; i++) stats.counter("c", { labels: { i: `${part}-${i}` } }).add();
      return stats.snapshot();
    });
    const [metric] = mergeStats(many, { maxSeries: 4 }).metrics;
    assert.equal(metric?.series.length, 5);
    assert.deepEqual(metric?.series.at(-1), { labels: { i: "other" }, value: 11 });
  });

  it("of nothing are nothing", () => {
    assert.deepEqual(mergeStats([]).metrics, []);
  });
});
