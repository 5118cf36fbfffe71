import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createSketch, createStats, type Sketch } from "@ballast/runtime/stats";
import fc from "fast-check";

function sketchOf(keys: Iterable<string>, capacity = 128): Sketch {
  const sketch = createSketch({ capacity });
  for (const key of keys) sketch.add(key);
  return sketch;
}

function* numbered(prefix: string, from: number, to: number): Iterable<string> {
  for (let i = from; i < to; i++) yield `${prefix}${i}`;
}

function countsOf(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

describe("the cardinality of a sketch", () => {
  // The standard error is 0.81 %: 2 % is two and a half times that. The texts are the same in every run.
  for (const count of [0, 1, 2, 10, 100, 1_000, 10_000, 40_000, 70_000, 100_000, 300_000]) {
    for (const prefix of ["10.0.", "/orders/", "user-"]) {
      it(`is within 2 % of ${count} texts like ${prefix}1`, () => {
        const { cardinality } = sketchOf(numbered(prefix, 0, count));
        assert.ok(Math.abs(cardinality - count) <= 0.02 * count, `${cardinality}, not ${count}`);
      });
    }
  }

  it("does not grow when texts come again", () => {
    const sketch = sketchOf(numbered("a", 0, 5_000));
    const { cardinality } = sketch;
    for (const key of numbered("a", 0, 5_000)) sketch.add(key);
    assert.deepEqual([sketch.cardinality, sketch.count], [cardinality, 10_000]);
  });

  it("of merged sketches is that of one which got all", () => {
    const one = sketchOf(numbered("a", 0, 30_000));
    const left = sketchOf(numbered("a", 0, 20_000));
    const right = sketchOf(numbered("a", 10_000, 30_000));
    left.merge(JSON.parse(JSON.stringify(right.snapshot())));
    assert.equal(left.cardinality, one.cardinality);
    assert.equal(left.snapshot().registers, one.snapshot().registers);
    const few = sketchOf(numbered("b", 0, 20));
    few.merge(sketchOf(numbered("b", 10, 40)));
    assert.equal(few.cardinality, 40);
  });
});

describe("the heavy hitters of a sketch", () => {
  const streams = fc.array(fc.nat({ max: 60 }).map((n) => `key ${Math.floor(n * n / 60)}`), {
    maxLength: 500,
    size: "max",
  });
  const CAPACITY = 16;

  function assertTrue(sketch: Sketch, keys: readonly string[], errorAtMost: number): void {
    const counts = countsOf(keys);
    const top = new Map(sketch.top(CAPACITY).map((hitter) => [hitter.key, hitter]));
    assert.ok(top.size <= CAPACITY);
    for (const { key, count, error } of top.values()) {
      const actual = counts.get(key) ?? 0;
      assert.ok(
        actual <= count && count - error <= actual,
        `${key}: ${count} with an error of ${error}, not ${actual}`,
      );
      assert.ok(error <= errorAtMost, `the error of ${error} is more than ${errorAtMost}`);
    }
    for (const [key, count] of counts) {
      assert.ok(count <= errorAtMost || top.has(key), `${key} came ${count} times and is missing`);
    }
  }

  it("are never missed, nor counted too low, nor too high by more than one in the capacity", () => {
    fc.assert(fc.property(streams, (keys) => {
      assertTrue(sketchOf(keys, CAPACITY), keys, keys.length / CAPACITY);
    }));
  });

  it("hold to that when sketches are merged, in whatever order", () => {
    fc.assert(fc.property(streams, streams, streams, (a, b, c) => {
      const all = [...a, ...b, ...c];
      const left = sketchOf(a, CAPACITY);
      left.merge(sketchOf(b, CAPACITY));
      left.merge(sketchOf(c, CAPACITY).snapshot());
      const right = sketchOf(b, CAPACITY);
      right.merge(sketchOf(c, CAPACITY));
      right.merge(sketchOf(a, CAPACITY));
      // What each of them may have left out adds up.
      const bound = [a, b, c].reduce((sum, { length }) => sum + Math.floor(length / CAPACITY), 0) +
        all.length / CAPACITY;
      assertTrue(left, all, bound);
      assertTrue(right, all, bound);
      for (const key of ["new", "new", "new"]) left.add(key);
      assertTrue(left, [...all, "new", "new", "new"], bound + 3);
    }));
  });

  it("are exact while there is room", () => {
    const sketch = createSketch();
    sketch.add("a", 5);
    sketch.add("b");
    sketch.add("a");
    assert.deepEqual(sketch.top(), [{ key: "a", count: 6, error: 0 }, { key: "b", count: 1, error: 0 }]);
    assert.deepEqual(sketch.top(1).length, 1);
  });

  it("are no way to keep long texts, or to break it", () => {
    const sketch = createSketch();
    for (const odd of [undefined, null, 7, {}, Symbol("x")]) sketch.add(odd as string);
    for (const n of [0, -1, 1.5, NaN, Infinity]) sketch.add("a", n);
    assert.deepEqual([sketch.count, sketch.cardinality, sketch.top()], [0, 0, []]);
    sketch.add("x".repeat(100_000) + "1");
    sketch.add("x".repeat(100_000) + "2");
    assert.deepEqual([sketch.cardinality, sketch.top()[0]?.key.length, sketch.top()[0]?.count], [2, 201, 2]);
    sketch.reset();
    assert.deepEqual([sketch.count, sketch.cardinality, sketch.top()], [0, 0, []]);
  });
});

describe("the snapshot of a sketch", () => {
  it("is refused when it is none", () => {
    const good = sketchOf(["a", "b"]).snapshot();
    const refused: unknown[] = [
      {},
      { ...good, count: -1 },
      { ...good, capacity: 1e9 },
      { ...good, top: {} },
      { ...good, top: [{ key: "x".repeat(300), count: 1, error: 0 }] },
      { ...good, top: [{ key: "x", count: 1, error: 2 }] },
      { ...good, top: [null] },
      { ...good, capacity: 1 },
      { ...good, registers: "§" },
      { ...good, registers: "A".repeat(1_000_000) },
      { ...good, registers: btoa("\xff\xff\xff") },
      { ...good, registers: btoa("\x00\x7f") },
    ];
    for (const snapshot of refused) {
      assert.throws(
        () => createSketch().merge(snapshot as typeof good),
        (error) => error instanceof TypeError || error instanceof RangeError,
      );
    }
  });

  it("is in a registry, and goes out as two numbers", () => {
    const stats = createStats();
    for (const key of ["a", "b", "a"]) stats.sketch("clients").add(key);
    assert.match(stats.openMetrics(), /^ballast_clients_total 3$/m);
    assert.match(stats.openMetrics(), /^ballast_clients_distinct 2$/m);
  });
});
