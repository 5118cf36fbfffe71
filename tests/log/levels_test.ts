import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BallastError, createReports } from "@ballast/runtime";
import { createLog, type Log, type Threshold } from "@ballast/runtime/log";
import { createStats } from "@ballast/runtime/stats";

const messages = (log: Log) => log.recent().map(({ message }) => message).reverse();

describe("the level of a category", () => {
  it("is given at the start, and inherited down the tree", () => {
    const log = createLog({ levels: { "": "error", ballast: "warn", "ballast.dns": "debug" } });
    const dns = log.child("dns");
    log.info("no");
    log.warn("a");
    dns.debug("b");
    dns.child("cache").debug("c");
    log.child("dnssec").debug("not below ballast.dns");
    createLog({ category: ["shop"], levels: { "": "error" } }).warn("no");
    assert.deepEqual(messages(log), ["a", "b", "c"]);
    assert.deepEqual(log.snapshot().totals, { debug: 2, info: 0, warn: 1, error: 0 });
  });

  it("is changed at run time, for logs that are there and those to come, and taken back", () => {
    const log = createLog();
    const dns = log.child("dns");
    dns.debug("a");
    log.setLevel("ballast.dns", "error");
    dns.warn("no");
    log.child("dns").child("cache").warn("no");
    dns.setLevel(["ballast", "dns", "cache"], "info");
    log.child("dns").child("cache").info("b");
    log.setLevel("ballast", "off");
    log.error("no");
    dns.error("c");
    log.setLevel("ballast.dns", undefined);
    dns.error("no");
    assert.deepEqual(messages(log), ["a", "b", "c"]);
    assert.equal(dns.isEnabled("error"), false);
    assert.equal(log.child("dns").child("cache").isEnabled("info"), true);
  });

  it("does not hold for the statistics of transactions", () => {
    const stats = createStats();
    const log = createLog({ stats, levels: { "": "off" } });
    log.begin("x").success();
    log.begin("x").failure(new Error());
    assert.equal(log.recent().length, 0);
    const counts = ["success", "failure"].map((outcome) =>
      stats.distribution("x", { labels: { outcome } }).count
    );
    assert.deepEqual(counts, [1, 1]);
  });

  it("spares the work: no field is read below it", () => {
    const log = createLog({ levels: { "": "info" } });
    let read = 0;
    const fields = {
      get dear() {
        return ++read;
      },
    };
    log.debug("x", fields);
    log.begin("x", fields).success(fields);
    assert.equal(read, 0);
    log.info("x", fields);
    assert.equal(read, 1);
  });

  it("is refused when it is none, and bounded in number", () => {
    assert.throws(
      () => createLog({ levels: { a: "loud" as Threshold } }),
      /level must be one of debug, .* got "loud"/,
    );
    assert.throws(() => createLog().setLevel(3 as unknown as string, "info"), /a category must be a text/);
    assert.throws(() => createLog().setLevel("x".repeat(501), "info"), TypeError);
    const log = createLog();
    for (let i = 0; i < 256; i++) log.setLevel(`c${i}`, "info");
    assert.throws(() => log.setLevel("one more", "info"), RangeError);
    log.setLevel("c0", "debug");
  });

  it("is in the report, with an action that changes it", async () => {
    const log = createLog({ levels: { ballast: "info" } });
    log.child("dns").warn("x");
    const reports = createReports();
    reports.add("log", log);
    const levels = () =>
      reports.get("log")!.tables!.find(({ id }) => id === "categories")!.rows.map((
        [name, level, setFor, ...counts],
      ) => [
        name,
        (level as { state: string }).state,
        setFor,
        ...counts,
      ]);
    assert.deepEqual(levels(), [
      ["ballast", "info", "ballast", 0, 0, 0, 0, 0],
      ["ballast.dns", "info", "ballast", 0, 0, 1, 0, 0],
    ]);
    const [action] = reports.get("log")!.actions!;
    assert.deepEqual([action?.id, action?.fields.map(({ name }) => name)], ["set-level", [
      "category",
      "level",
    ]]);
    await reports.act("log", "set-level", { category: "ballast.dns", level: "debug" });
    await reports.act("log", "set-level", { category: "ballast.mail", level: "off" });
    assert.deepEqual(levels().map((row) => row.slice(0, 3)), [
      ["ballast", "info", "ballast"],
      ["ballast.dns", "debug", "ballast.dns"],
      ["ballast.mail", "off", "ballast.mail"],
    ]);
    await reports.act("log", "set-level", { category: "ballast.dns", level: "" });
    assert.equal(log.child("dns").isEnabled("debug"), false);
    await assert.rejects(() => reports.act("log", "set-level", { category: "", level: "loud" }), TypeError);
    await assert.rejects(() => reports.act("log", "explode", {}), BallastError);
  });

  it("is remembered for a bounded number of categories, and right for all", () => {
    const log = createLog({ levels: { "ballast.c999": "error" } });
    for (let i = 0; i < 1000; i++) log.child(`c${i}`).info("x");
    assert.equal(log.snapshot().totals.info, 999);
    const table = log.report().tables!.find(({ id }) => id === "categories")!;
    assert.deepEqual([table.rows.length, table.omitted], [100, 157]);
  });
});
