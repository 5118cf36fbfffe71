import assert from "node:assert/strict";
import { test } from "node:test";
import { createContext, createRecent } from "@ballast/runtime/context";
import { simulatedClock } from "@ballast/runtime/testing";
import fc from "fast-check";

test("the last few of each key are kept, the newest first, and when they were", async () => {
  const clock = simulatedClock({ startMs: 1_000 });
  const recent = createRecent<number>({ perKey: 2, clock });
  for (const value of [1, 2, 3]) {
    recent.add("a", value);
    await clock.advance(10);
  }
  recent.add("b", 4);
  assert.deepEqual(recent.get("a"), [{ at: 1_020, value: 3 }, { at: 1_010, value: 2 }]);
  assert.deepEqual(recent.latest().map(({ key, value }) => [key, value]), [["b", 4], ["a", 3], ["a", 2]]);
  assert.deepEqual(recent.latest(1).map(({ value }) => value), [4]);
  assert.deepEqual(recent.get("c"), []);
});

test("the key that was used longest ago leaves first; to ask for it is to use it", () => {
  const recent = createRecent<number>({ maxKeys: 2 });
  recent.add("a", 1);
  recent.add("b", 2);
  recent.get("a");
  recent.add("c", 3);
  assert.deepEqual(recent.keys(), ["c", "a"]);
});

test("no bound is ever exceeded, and the newest thing is always there unless it alone is too large", () => {
  const step = fc.record({
    key: fc.constantFrom("a", "b", "c", "d", "e"),
    size: fc.nat(700),
    read: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
    const recent = createRecent<{ size: number }>({
      perKey: 3,
      maxKeys: 4,
      maxBytes: 1_500,
      sizeOf: ({ size }) => size * 3,
    });
    let refused = 0;
    for (const { key, size, read } of steps) {
      if (read) recent.get(key);
      const value = { size };
      recent.add(key, value);
      const { keys, entries, bytes } = recent.snapshot();
      assert.ok(keys <= 4 && bytes <= 1_500 && entries <= 12);
      assert.equal(keys, recent.keys().length);
      assert.equal(entries, recent.latest().length);
      assert.ok(recent.keys().every((key) => recent.get(key).length <= 3));
      if (size * 3 + 66 > 1_500) refused++;
      else assert.equal(recent.get(key)[0]!.value, value);
      // Kept: what the keys and things take as the sum of the parts.
      assert.equal(recent.latest().reduce((sum, { value }) => sum + value.size * 3 + 66, 0), bytes);
    }
    assert.deepEqual([recent.snapshot().refused, recent.snapshot().added], [refused, steps.length]);
  }));
});

test("sizes are estimated: long texts, nested and circular things, buffers, errors", () => {
  const bytesOf = (value: unknown) => {
    const recent = createRecent<unknown>({ maxBytes: 10_000_000 });
    recent.add("k", value);
    return recent.snapshot().bytes;
  };
  const empty = bytesOf(undefined);
  const circular: Record<string, unknown> = { text: "x".repeat(1_000) };
  circular.self = circular;
  const near = (value: unknown, bytes: number) => {
    const seen = bytesOf(value) - empty;
    assert.ok(seen > bytes / 2 && seen < bytes * 2, `${seen} for about ${bytes}`);
  };
  near("x".repeat(10_000), 20_000);
  near({ list: Array.from({ length: 100 }, () => ({ n: 1 })) }, 100 * 64);
  near(circular, 2_000);
  near(new Uint8Array(50_000), 50_000);
  near(new Map([["k", "v".repeat(5_000)]]), 10_000);
  near(new Error("x".repeat(5_000)), 20_000);
});

test("what throws when it is measured or shown harms nobody", () => {
  const trap = new Proxy({}, {
    ownKeys() {
      throw new Error("no");
    },
  });
  const recent = createRecent<unknown>({
    show: () => {
      throw new Error("no");
    },
  });
  recent.add("k", trap);
  assert.equal(recent.get("k")[0]!.value, trap);
  assert.deepEqual(recent.cells(trap), {});
  const broken = createRecent<unknown>({ sizeOf: () => NaN });
  broken.add("k", 1);
  assert.deepEqual([broken.snapshot().entries, broken.snapshot().refused], [0, 1]);
});

test("bounds that are none are refused", () => {
  assert.throws(() => createRecent({ perKey: 0 }), /perKey must be a number >= 1, got 0/);
  assert.throws(() => createRecent({ maxKeys: 1.5 }), RangeError);
  assert.throws(() => createRecent({ maxBytes: -1 }), RangeError);
});

test("a context keeps rings by name, shared with its children; its page shows what may be shown", () => {
  const context = createContext({ name: "ringed", clock: simulatedClock() });
  const calls = context.recent<{ host: string; password: string }>("slow calls", {
    show: ({ host }) => ({ Host: host }),
  });
  calls.add("db", { host: "db-1", password: "hunter2" });
  context.recent("unshown").add("k", { password: "hunter2" });
  assert.equal(context.child().recent("slow calls"), calls);
  const { tables } = context.report();
  const [first, second] = ["recent-1", "recent-2"].map((id) => tables!.find((table) => table.id === id)!);
  assert.deepEqual(first!.columns, ["When", "Key", "Host"]);
  assert.deepEqual(first!.rows[0]!.slice(1), ["db", "db-1"]);
  assert.deepEqual(second!.rows[0]!.slice(1), ["k"]);
  assert.ok(!JSON.stringify([context.report(), context.snapshot()]).includes("hunter2"));
  for (let i = 2; i < 32; i++) context.recent(`ring ${i}`);
  assert.throws(() => context.recent("one too many"), /at most 32 recent rings/);
  context.close();
});
