import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createReports } from "@ballast/runtime";
import { createLog, type Level, type LineLogger } from "@ballast/runtime/log";
import { simulatedClock } from "@ballast/runtime/testing";

/** A logger of the shape of `@std/log`'s: methods with a message and arguments, which give the message back. */
function lineLogger(): LineLogger & { readonly lines: string[] } {
  const lines: string[] = [];
  const method = (level: string) => (message: string, ...args: unknown[]) => {
    assert.deepEqual(args, []);
    lines.push(`${level} ${message}`);
    return message;
  };
  return {
    lines,
    debug: method("DEBUG"),
    info: method("INFO"),
    warn: method("WARN"),
    error: method("ERROR"),
  };
}

describe("a log", () => {
  it("keeps what was logged, with its moment, level, category and fields", () => {
    const clock = simulatedClock();
    const log = createLog({ clock });
    log.info("ready", { port: 8888, tls: false, zone: null, left: undefined });
    assert.deepEqual(log.recent(), [{
      at: clock.now(),
      level: "info",
      category: ["ballast"],
      message: "ready",
      fields: { port: 8888, tls: false, zone: null },
    }]);
  });

  it("gives the recent records newest first, by level and number", async () => {
    const clock = simulatedClock();
    const log = createLog({ clock });
    for (const level of ["debug", "info", "warn", "error"] as const) {
      log[level](`at ${level}`);
      await clock.advance(1);
    }
    const messages = (options?: Parameters<typeof log.recent>[0]) =>
      log.recent(options).map(({ message }) => message);
    assert.deepEqual(messages(), ["at error", "at warn", "at info", "at debug"]);
    assert.deepEqual(messages({ level: "info" }), ["at error", "at warn", "at info"]);
    assert.deepEqual(messages({ level: "error" }), ["at error"]);
    assert.deepEqual(messages({ limit: 2 }), ["at error", "at warn"]);
    assert.deepEqual(messages({ level: "warn", limit: 1 }), ["at error"]);
    assert.deepEqual(messages({ limit: 0 }), []);
  });

  it("holds as many records as it was told, and no more", () => {
    const log = createLog({ capacity: 3 });
    for (let i = 0; i < 10; i++) log.info(`${i}`);
    assert.deepEqual(log.recent({ limit: 100 }).map(({ message }) => message), ["9", "8", "7"]);
    assert.equal(log.snapshot().totals.info, 10);
  });

  it("does not let a flood of successes wash the failures away", () => {
    const log = createLog({ capacity: 3 });
    log.warn("the one that matters");
    for (let i = 0; i < 10; i++) log.debug(`${i}`);
    assert.deepEqual(log.recent({ level: "warn" }).map(({ message }) => message), ["the one that matters"]);
    for (let i = 0; i < 10; i++) log.error(`${i}`);
    assert.equal(log.recent({ level: "warn" }).length, 3);
  });

  it("has children that share its memory and add to its category", () => {
    const logger = lineLogger();
    const log = createLog({ category: ["shop"], logger });
    const child = log.child("mail").child("smtp");
    child.warn("slow");
    assert.deepEqual(child.category, ["shop", "mail", "smtp"]);
    assert.deepEqual(log.recent()[0]?.category, ["shop", "mail", "smtp"]);
    assert.deepEqual(child.recent(), log.recent());
    assert.deepEqual(logger.lines, ["WARN shop.mail.smtp: slow"]);
  });

  it("works when its methods are taken off it", () => {
    const log = createLog();
    const { warn, child } = log;
    warn("detached");
    child("x").info("too");
    assert.deepEqual(log.recent().map(({ message }) => message), ["too", "detached"]);
  });

  it("refuses a category, component, capacity or logger that is none", () => {
    assert.throws(
      () => createLog({ category: [] }),
      /category must be a list of at least one text, got an array/,
    );
    assert.throws(() => createLog({ category: "ballast" as unknown as string[] }), /got "ballast"/);
    assert.throws(() => createLog({ category: ["a", ""] }), /part of a category must be a text .* got ""/);
    assert.throws(() => createLog().child(""), TypeError);
    assert.throws(() => createLog({ capacity: 0 }), RangeError);
    const logger = { debug() {}, info() {} } as unknown as LineLogger;
    assert.throws(
      () => createLog({ logger }),
      /logger must be a function, or have the methods .* got an object without warn/,
    );
  });

  it("has a snapshot in plain JSON", () => {
    const log = createLog({ clock: simulatedClock() });
    log.begin("payment").failure(new Error("declined"), { amount: 5n });
    log.info("ready");
    const snapshot = log.snapshot();
    assert.deepEqual(JSON.parse(JSON.stringify(snapshot)), snapshot);
    assert.deepEqual(snapshot.totals, { debug: 0, info: 1, warn: 1, error: 0 });
    assert.equal(snapshot.recent.length, 2);
  });
});

describe("a logger that writes lines", () => {
  it("gets a readable line with the fields, at the same level", () => {
    const logger = lineLogger();
    const log = createLog({ logger });
    const fields = { server: "10.0.0.1:53", path: "/a b", n: 2 };
    for (const level of ["debug", "info", "warn", "error"] as const) log[level]("asked", fields);
    assert.deepEqual(
      logger.lines,
      ["DEBUG", "INFO", "WARN", "ERROR"].map((level) =>
        `${level} ballast: asked server=10.0.0.1:53 path="/a b" n=2`
      ),
    );
  });

  it("gets its own this", () => {
    class Logger {
      readonly lines: string[] = [];
      debug(message: string): void {
        this.lines.push(message);
      }
      info = this.debug;
      warn = this.debug;
      error = this.debug;
    }
    const logger = new Logger();
    createLog({ logger }).debug("here");
    assert.deepEqual(logger.lines, ["ballast: here"]);
  });

  it("breaks no caller when it throws: the record is kept, the failure counted and found", () => {
    const throwing = () => {
      throw new Error("disk full");
    };
    const log = createLog({ logger: { debug: throwing, info: throwing, warn: throwing, error: throwing } });
    log.error("one");
    log.child("x").begin("two").success();
    assert.equal(log.recent().length, 2);
    assert.equal(log.snapshot().loggerErrors, 2);
    const reports = createReports();
    reports.add("log", log);
    const [finding] = reports.findings();
    assert.equal(finding?.id, "logger-throws");
    assert.match(finding?.evidence ?? "", /^2 records/);
  });

  it("leaves no rejection unhandled when it is asynchronous and fails", async () => {
    const failing = () => Promise.reject(new Error("connection lost"));
    const log = createLog({ logger: { debug: failing, info: failing, warn: failing, error: failing } });
    log.info("sent");
    await Promise.resolve();
    assert.equal(log.snapshot().loggerErrors, 1);
  });

  it("may log in turn without end", () => {
    const again = () => log.info("again");
    const log = createLog({ logger: { debug: again, info: again, warn: again, error: again } });
    log.info("once");
    assert.deepEqual(log.recent().map(({ message }) => message), ["again", "once"]);
  });
});

describe("the report of a log", () => {
  it("has the recent records as a table, those that matter in one of their own", async () => {
    const clock = simulatedClock();
    const log = createLog({ clock });
    const attempt = log.begin("dns.query", { name: "db.internal" });
    await clock.advance(200);
    attempt.failure(new Error("no answer"));
    log.info("ready");
    const { id, summary, tables = [], findings } = log.report();
    assert.deepEqual([id, summary, findings], ["log", "0 debug, 1 info, 1 warn, 0 error", []]);
    const [warnings, records] = tables;
    assert.deepEqual(warnings?.rows, [[
      { kind: "time", at: clock.now() },
      { kind: "state", state: "warn", tone: "warning" },
      "ballast",
      "dns.query failed: no answer",
      { kind: "duration", ms: 200 },
      { kind: "list", items: ["name: db.internal"] },
      null,
    ]]);
    assert.equal(records?.rows.length, 2);
    assert.ok(records?.rows.every((row) => row.length === records.columns.length));
  });
});

describe("levels", () => {
  it("count records each on its own", () => {
    const log = createLog();
    const wanted: Record<Level, number> = { debug: 4, info: 3, warn: 2, error: 1 };
    for (const [level, times] of Object.entries(wanted)) {
      for (let i = 0; i < times; i++) log[level as Level]("x");
    }
    assert.deepEqual(log.snapshot().totals, wanted);
  });
});
