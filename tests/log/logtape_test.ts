import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { createLog } from "@ballast/runtime/log";
import { simulatedClock } from "@ballast/runtime/testing";
import { configure, getConfig, getLogger, type LogLevel, type LogRecord, reset } from "@logtape/logtape";

/** Configures LogTape, as a program does, to write the records of "ballast" to memory. */
async function listen(lowestLevel: LogLevel = "trace", category: string = "ballast"): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  await configure({
    sinks: { memory: (record) => void records.push(record) },
    loggers: [
      { category, lowestLevel, sinks: ["memory"] },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  return records;
}

describe("LogTape", () => {
  afterEach(() => reset());

  it("is never configured by a log", () => {
    createLog().child("dns").error("nobody listens");
    assert.equal(getConfig(), null);
  });

  it("gets records under the log's category, with its levels and moments", async () => {
    const records = await listen();
    const clock = simulatedClock();
    const log = createLog({ clock });
    log.debug("a");
    log.child("dns").info("b");
    log.warn("c");
    log.error("d");
    assert.deepEqual(
      records.map(({ level, category, rawMessage, timestamp }) => [level, category, rawMessage, timestamp]),
      [
        ["debug", ["ballast"], "a", clock.now()],
        ["info", ["ballast", "dns"], "b", clock.now()],
        ["warning", ["ballast"], "c", clock.now()],
        ["error", ["ballast"], "d", clock.now()],
      ],
    );
  });

  it("gets the fields as they were logged, objects as copies", async () => {
    const records = await listen();
    const options = { headers: { accept: "text/html" } };
    const error = new Error("no");
    createLog().info("asked", { options, at: 5, error });
    options.headers.accept = "changed later";
    assert.deepEqual(records[0]?.properties, { options: { headers: { accept: "text/html" } }, at: 5, error });
    assert.equal(records[0]?.properties.error, error);
  });

  it("gets a transaction as a readable text, and its facts as properties", async () => {
    const records = await listen();
    const clock = simulatedClock();
    const log = createLog({ clock });
    const attempt = log.begin("dns.query", { name: "db.internal" });
    await clock.advance(200);
    const error = new Error("no answer");
    attempt.failure(error, { outcome: "timeout" });
    assert.deepEqual(records[0]?.message, ["dns.query failed: no answer (200 ms)"]);
    assert.deepEqual(records[0]?.properties, {
      event: "dns.query",
      durationMs: 200,
      outcome: "timeout",
      error,
      name: "db.internal",
    });
  });

  it("takes a brace in a text for a brace", async () => {
    const records = await listen();
    createLog().info("{name} is no {placeholder}", { name: "db" });
    assert.deepEqual(records[0]?.message, ["{name} is no {placeholder}"]);
  });

  it("is given nothing below the level somebody listens to; the log keeps it", async () => {
    const records = await listen("warning");
    const log = createLog();
    log.debug("a");
    log.warn("b");
    assert.deepEqual(records.map(({ rawMessage }) => rawMessage), ["b"]);
    assert.equal(log.recent().length, 2);
  });

  it("may be configured after the log was made", async () => {
    const log = createLog();
    log.info("before");
    const records = await listen();
    log.info("after");
    assert.deepEqual(records.map(({ rawMessage }) => rawMessage), ["after"]);
  });

  it("may hand in a logger of the program's own, whose category counts", async () => {
    const records = await listen("trace", "shop");
    const log = createLog({ logger: getLogger(["shop", "infra"]) });
    log.child("dns").info("here");
    assert.deepEqual(records[0]?.category, ["shop", "infra", "dns"]);
    assert.deepEqual(log.recent()[0]?.category, ["shop", "infra", "dns"]);
  });

  it("breaks no caller when a sink throws", async () => {
    await configure({
      sinks: {
        broken: () => {
          throw new Error("disk full");
        },
      },
      loggers: [{ category: "ballast", sinks: ["broken"] }, { category: ["logtape", "meta"], sinks: [] }],
    });
    const log = createLog();
    log.error("still here");
    assert.equal(log.recent()[0]?.message, "still here");
  });
});
