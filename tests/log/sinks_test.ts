import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLog, type Fields, type LogRecord, type Sink, type SinkRecord } from "@ballast/runtime/log";
import { simulatedClock } from "@ballast/runtime/testing";

const findings = (log: ReturnType<typeof createLog>) => log.report().findings!.map(({ id }) => id);

describe("a sink", () => {
  it("gets records in the shape of LogTape's, and children's under their category", async () => {
    const clock = simulatedClock();
    const records: SinkRecord[] = [];
    const log = createLog({ clock, logger: (record: SinkRecord) => void records.push(record) });
    const call = log.child("dns").begin("dns.query", { name: "a" });
    await clock.advance(1_500);
    call.success();
    assert.deepEqual(records, [{
      category: ["ballast", "dns"],
      level: "debug",
      message: ["dns.query succeeded (1.5 s)"],
      rawMessage: "dns.query succeeded",
      timestamp: clock.now(),
      properties: { event: "dns.query", durationMs: 1_500, outcome: "success", name: "a" },
    }]);
  });

  it("that throws or rejects breaks no caller: counted, and found", async () => {
    let times = 0;
    const sink: Sink = () => {
      if (times++ % 2 === 0) throw new Error("disk full");
      return Promise.reject(new Error("connection lost"));
    };
    const log = createLog({ logger: sink });
    for (let i = 0; i < 4; i++) log.info("x");
    await log.close();
    assert.equal(log.recent().length, 4);
    assert.equal(log.snapshot().loggerErrors, 4);
    assert.deepEqual(findings(log), ["logger-throws"]);
  });

  it("that never settles is given a bounded number: the others are dropped, counted, and found", async () => {
    const clock = simulatedClock();
    const settle: (() => void)[] = [];
    const log = createLog({
      clock,
      sampling: false,
      logger: () => new Promise<void>((resolve) => settle.push(resolve)),
    });
    for (let i = 0; i < 1_500; i++) log.info("x");
    assert.equal(settle.length, 1_000);
    const { dropped, inFlight } = log.snapshot();
    assert.deepEqual([dropped, inFlight], [500, 1_000]);
    assert.deepEqual(findings(log), ["logger-hangs"]);
    const closing = log.close();
    await clock.advance(5_000);
    await closing;
    for (const resolve of settle) resolve();
    await clock.advance(0);
    log.info("again");
    assert.deepEqual([settle.length, log.snapshot().inFlight], [1_001, 1]);
  });

  it("that gives back something that only looks like a promise harms nobody", async () => {
    const hostile = {
      get then(): unknown {
        throw new Error("no");
      },
    };
    const log = createLog({ logger: () => hostile });
    log.info("x");
    await log.close();
    assert.deepEqual([log.snapshot().loggerErrors, log.snapshot().inFlight], [1, 0]);
  });

  it("that blocks is noticed", () => {
    const clock = simulatedClock();
    let elapsed = 0;
    const slow = Object.create(clock, { monotonic: { value: () => elapsed } });
    const log = createLog({ clock: slow, sampling: false, logger: () => void (elapsed += 80) });
    for (let i = 0; i < 32; i++) log.info("x");
    assert.equal(log.snapshot().slowWrites, 2);
    const [finding] = log.report().findings!;
    assert.equal(finding?.id, "logger-blocks");
    assert.match(finding?.evidence ?? "", /^2 of the writes timed .* the longest 80 ms/);
  });

  it("that logs in turn does so without end", () => {
    const log = createLog({ logger: () => log.warn("again") });
    log.info("once");
    assert.deepEqual(log.recent().map(({ message }) => message), ["again", "once"]);
  });

  it("of a function that is a logger, too, is written to as one", () => {
    const lines: string[] = [];
    const write = (line: string) => lines.push(line);
    createLog({
      logger: Object.assign(() => lines.push("called"), {
        debug: write,
        info: write,
        warn: write,
        error: write,
      }),
    })
      .info("x");
    assert.deepEqual(lines, ["ballast: x"]);
  });
});

describe("ambient fields", () => {
  it("go into every record that is kept; the record's own come before them", () => {
    let asked = 0;
    const records: SinkRecord[] = [];
    const log = createLog({
      ambient: () => (asked++, { traceId: "4bf92f3577b34da6", tenant: "a" }),
      levels: { "": "info" },
      logger: (record: SinkRecord) => void records.push(record),
    });
    log.debug("not kept");
    log.info("x", { tenant: "b" });
    log.begin("y").failure(new Error("no"));
    assert.equal(asked, 2);
    assert.deepEqual(log.recent().map(({ fields }) => fields), [
      { traceId: "4bf92f3577b34da6", tenant: "a" },
      { traceId: "4bf92f3577b34da6", tenant: "b" },
    ]);
    assert.deepEqual(records[0]?.properties, { traceId: "4bf92f3577b34da6", tenant: "b" });
    const table = log.report().tables!.find(({ id }) => id === "records")!;
    assert.equal(table.rows[0]?.[table.columns.indexOf("Trace")], "4bf92f3577b34da6");
  });

  it("that cannot be had are left out: counted, and found", () => {
    const log = createLog({
      ambient: () => {
        throw new Error("no context");
      },
    });
    log.info("x", { a: 1 });
    assert.deepEqual(log.recent()[0]?.fields, { a: 1 });
    assert.deepEqual(findings(log), ["ambient-fields-fail"]);
    assert.throws(() => createLog({ ambient: {} as () => Fields }), /ambient must be a function/);
  });
});

describe("the memory of a log", () => {
  it("is bounded in bytes, too; the last record is always there", () => {
    const log = createLog({ maxBytes: 20_000, sampling: false });
    for (let i = 0; i < 500; i++) log.warn(`${i}`, { text: "x".repeat(400) });
    const { records, bytes } = log.snapshot().memory;
    assert.ok(bytes <= 40_000 && records >= 30 && records <= 100, `${records} records, ${bytes} bytes`);
    assert.equal(log.recent()[0]?.message, "499");
    const tiny = createLog({ maxBytes: 1 });
    tiny.info("a");
    tiny.info("b");
    assert.deepEqual(tiny.recent().map(({ message }) => message), ["b"]);
    assert.throws(() => createLog({ maxBytes: 0 }), RangeError);
  });

  it("is searched by category", () => {
    const log = createLog();
    log.child("dns").child("cache").info("a");
    log.child("dnssec").info("b");
    assert.deepEqual(log.recent({ category: "ballast.dns" }).map(({ message }) => message), ["a"]);
    assert.equal(log.recent({ category: "" }).length, 2);
  });
});

describe("the events of a log", () => {
  it("are the records that are kept, of all its kin", () => {
    const log = createLog({ levels: { "": "info" } });
    const heard: LogRecord[] = [];
    log.events.subscribe(({ record }) => heard.push(record));
    log.child("dns").info("a");
    log.debug("not kept");
    assert.deepEqual(heard, log.recent());
  });

  it("may set off records in turn without end", () => {
    const log = createLog();
    let left = 3;
    log.events.subscribe(() => left-- > 0 && log.info("again"));
    log.info("once");
    assert.equal(log.recent().length, 4);
  });
});
