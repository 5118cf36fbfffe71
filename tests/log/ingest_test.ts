import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLog, type LogRecord, type SinkRecord } from "@ballast/runtime/log";
import { createStats } from "@ballast/runtime/stats";
import { simulatedClock } from "@ballast/runtime/testing";
import fc from "fast-check";

const record: LogRecord = {
  at: 1_000,
  level: "warn",
  category: ["ballast", "worker"],
  message: "task.run failed: no",
  fields: { task: "parse" },
  event: "task.run",
  durationMs: 12,
  outcome: "failure",
  error: { name: "RangeError", message: "no", code: "E", cause: { name: "Error", message: "why" } },
};

describe("a record from elsewhere", () => {
  it("is taken in as it is, over the wire, with fields of ours", () => {
    const sink: SinkRecord[] = [];
    const stats = createStats();
    const log = createLog({ stats, logger: (record: SinkRecord) => void sink.push(record) });
    assert.equal(log.ingest(JSON.parse(JSON.stringify(record)), { worker: 3 }), true);
    assert.deepEqual(log.recent(), [{ ...record, fields: { task: "parse", worker: 3 } }]);
    assert.deepEqual(sink[0]?.category, ["ballast", "worker"]);
    assert.deepEqual(sink[0]?.properties, {
      event: "task.run",
      durationMs: 12,
      outcome: "failure",
      error: record.error,
      task: "parse",
      worker: 3,
    });
    assert.equal(log.snapshot().totals.warn, 1);
    assert.equal(stats.snapshot().metrics.length, 0);
  });

  it("survives the way from one log to another", async () => {
    const clock = simulatedClock();
    const main = createLog({ clock });
    const worker = createLog({ clock, sampling: { first: 2 } });
    worker.events.subscribe(({ record }) => main.ingest(structuredClone(record)));
    for (let i = 0; i < 10; i++) worker.child("pool").info("tick", { i });
    worker.begin("task.run").failure(new Error("a", { cause: new Error("b") }));
    await worker.close();
    assert.deepEqual(main.recent(), worker.recent());
    assert.deepEqual(main.snapshot().totals, worker.snapshot().totals);
  });

  it("is under the level, sampling and category of this log", async () => {
    const log = createLog({
      category: ["shop"],
      levels: { "shop.ballast": "error" },
      sampling: { first: 1 },
    });
    assert.equal(log.ingest(record), true);
    assert.equal(log.recent().length, 0);
    log.setLevel("shop.ballast", undefined);
    for (let i = 0; i < 5; i++) log.ingest(record);
    assert.deepEqual(log.recent().map(({ category }) => category.join(".")), ["shop.ballast.worker"]);
    assert.equal(log.snapshot().suppressed, 4);
    await log.close();
    assert.equal(log.recent()[0]?.message, "task.run failed (E), and 4 more like it within 10 s");
  });

  it("is cleared of secrets, and bounded", () => {
    const log = createLog();
    const long = "x".repeat(10_000);
    log.ingest({
      ...record,
      message: `password=hunter2 ${long}`,
      fields: { token: "hunter2", long },
      error: { name: long, message: "Bearer hunter2hunter2", code: "password=hunter2" },
    });
    const [kept] = log.recent();
    assert.ok(!JSON.stringify(log.snapshot()).includes("hunter2"));
    assert.deepEqual([kept?.message.length, String(kept?.fields.long).length, kept?.error?.name.length], [
      501,
      501,
      81,
    ]);
  });

  it("that is none is refused: counted, and found", () => {
    const log = createLog();
    const cyclic: Record<string, unknown> = { ...record.error };
    cyclic.cause = cyclic;
    const bad: unknown[] = [
      undefined,
      null,
      "a text",
      7,
      [],
      {},
      { ...record, at: NaN },
      { ...record, at: -1 },
      { ...record, level: "loud" },
      { ...record, level: "toString" },
      { ...record, category: "ballast" },
      { ...record, category: [] },
      { ...record, category: Array(17).fill("a") },
      { ...record, category: ["x".repeat(101)] },
      { ...record, message: 7 },
      { ...record, fields: "a" },
    ];
    for (const given of bad) assert.equal(log.ingest(given), false);
    assert.equal(log.snapshot().refused, bad.length);
    assert.deepEqual(log.report().findings?.map(({ id }) => id), ["records-refused"]);
    assert.equal(log.ingest({ ...record, error: cyclic, event: "no name", durationMs: -1 }), true);
    assert.deepEqual([log.recent()[0]?.event, log.recent()[0]?.durationMs], [undefined, undefined]);
  });

  it("never makes the log throw, and leaves it plain JSON", () => {
    const part = fc.oneof(fc.anything(), fc.constantFrom("info", ["a"], "x", 5, { a: 1 }));
    const any = fc.record(
      { at: part, level: part, category: part, message: part, fields: part, error: part },
      {
        requiredKeys: [],
      },
    );
    fc.assert(
      fc.property(fc.oneof(fc.anything(), any, any.map((more) => ({ ...record, ...more }))), (given) => {
        const log = createLog();
        log.ingest(given, { given });
        const snapshot = log.snapshot();
        assert.deepEqual(JSON.parse(JSON.stringify(snapshot)), snapshot);
      }),
    );
  });
});
