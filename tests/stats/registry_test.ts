import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createReports } from "@ballast/runtime";
import { createStats, type ScalarMetric, type Stats } from "@ballast/runtime/stats";
import { simulatedClock } from "@ballast/runtime/testing";

/** The values of a counter or gauge, by their labels. */
function values(stats: Stats, name: string): Record<string, number> {
  const metric = stats.snapshot().metrics.find((metric) => metric.name === name) as ScalarMetric | undefined;
  return Object.fromEntries(
    (metric?.series ?? []).map(({ labels, value }) => [Object.values(labels).join(" "), value]),
  );
}

describe("a registry", () => {
  it("gives the same object for the same name and labels, in whatever order", () => {
    const stats = createStats();
    const first = stats.distribution("dns.query", { labels: { server: "a", type: "A" } });
    assert.equal(stats.distribution("dns.query", { labels: { type: "A", server: "a" } }), first);
    assert.notEqual(stats.distribution("dns.query", { labels: { type: "AAAA", server: "a" } }), first);
    assert.notEqual(stats.distribution("dns.query"), first);
    assert.equal(stats.counter("mail.sent"), stats.counter("mail.sent", { labels: {} }));
  });

  it("tells label sets apart whatever the values contain", () => {
    const stats = createStats();
    const one = stats.counter("c", { labels: { a: "x;b=1:y" } });
    const two = stats.counter("c", { labels: { a: "x", b: "y" } });
    assert.notEqual(one, two);
    assert.equal(stats.snapshot().metrics[0]?.series.length, 2);
  });

  it("refuses a name used with another kind or unit, and says what it is", () => {
    const stats = createStats();
    stats.distribution("dns.query");
    stats.observe("heap", { kind: "gauge", unit: "bytes" }, () => 1);
    assert.throws(() => stats.counter("dns.query"), {
      name: "TypeError",
      message: '"dns.query" is a distribution of unit "ms", it cannot be a counter of "1"',
    });
    assert.throws(() => stats.distribution("dns.query", { unit: "bytes" }), TypeError);
    assert.throws(
      () => stats.observe("heap", { kind: "counter" }, () => 1),
      /"heap" is a gauge of unit "bytes"/,
    );
    assert.throws(() => stats.distribution("heap", { unit: "bytes" }), TypeError);
  });

  it("refuses names that would be one in OpenMetrics text", () => {
    const stats = createStats();
    stats.distribution("dns.query");
    assert.throws(
      () => stats.distribution("dns.query.duration"),
      /"dns.query.duration" would be exported as "dns_query_duration_seconds", as "dns.query" is/,
    );
    stats.counter("a.b_c");
    assert.throws(() => stats.counter("a_b.c"), /as "a.b_c" is/);
    assert.throws(
      () => stats.observe("dns.query.duration_seconds.count", { kind: "gauge" }, () => 1),
      TypeError,
    );
  });

  it("refuses names and labels that nobody could export", () => {
    const stats = createStats();
    for (
      const name of [
        "",
        ".",
        "a..b",
        "a.",
        "1a",
        "a-b",
        "a b",
        "ä",
        "a\n",
        "x".repeat(101),
        7 as unknown as string,
      ]
    ) {
      assert.throws(
        () => stats.counter(name),
        { name: "TypeError", message: /name of a metric must be/ },
        name,
      );
    }
    for (const label of ["", "le", "quantile", "__name__", "1a", "a-b", "a\nb", "a="]) {
      assert.throws(() => stats.counter("ok", { labels: { [label]: "x" } }), /label's name must be/, label);
    }
    const labels = { a: 1 as unknown as string };
    assert.throws(() => stats.counter("ok", { labels }), /the label "a" must be a string, got 1/);
    assert.throws(() => createStats({ maxSeries: 0 }), RangeError);
  });

  it("has a counter that only grows", () => {
    const counter = createStats().counter("mail.sent");
    for (const n of [undefined, 2, 0.5, -5, NaN, Infinity, "3" as unknown as number]) counter.add(n);
    assert.equal(counter.value, 3.5);
  });

  it("takes a snapshot of everything by name, in plain JSON", () => {
    const clock = simulatedClock();
    const stats = createStats({ clock });
    stats.counter("z.last", { help: "The last" }).add(2);
    stats.distribution("a.first", { labels: { type: "A" } }).add(3);
    stats.observe("m.middle", { kind: "gauge", unit: "bytes" }, () => 5);
    const snapshot = stats.snapshot();
    assert.deepEqual(JSON.parse(JSON.stringify(snapshot)), snapshot);
    assert.equal(snapshot.at, clock.now());
    const [first, middle, last] = snapshot.metrics;
    assert.equal(snapshot.metrics.length, 3);
    assert.deepEqual([first?.name, first?.kind, first?.unit], ["a.first", "distribution", "ms"]);
    assert.deepEqual(first?.series[0]?.labels, { type: "A" });
    assert.deepEqual(middle, {
      name: "m.middle",
      kind: "gauge",
      help: "",
      unit: "bytes",
      series: [{ labels: {}, value: 5 }],
    });
    assert.deepEqual(last, {
      name: "z.last",
      kind: "counter",
      help: "The last",
      unit: "1",
      series: [{ labels: {}, value: 2 }],
    });
  });

  it("keeps the first help text given", () => {
    const stats = createStats();
    stats.counter("mail.sent");
    stats.counter("mail.sent", { help: "Letters sent" });
    stats.counter("mail.sent", { help: "Something else" });
    assert.equal(stats.snapshot().metrics[0]?.help, "Letters sent");
  });
});

describe("an observed metric", () => {
  it("is read when somebody looks, and not before", () => {
    const stats = createStats();
    let reads = 0;
    stats.observe("names", { kind: "gauge" }, () => ++reads);
    assert.equal(reads, 0);
    assert.deepEqual(values(stats, "names"), { "": 1 });
    assert.deepEqual(values(stats, "names"), { "": 2 });
  });

  it("adds up with others of its name and labels, and with a counter", () => {
    const stats = createStats();
    const read = () => 3;
    const removeFirst = stats.observe("served", { kind: "counter" }, read);
    stats.observe("served", { kind: "counter" }, read);
    stats.counter("served").add(10);
    stats.observe("served", { kind: "counter", labels: { how: "stale" } }, () => 1);
    assert.deepEqual(values(stats, "served"), { "": 16, stale: 1 });
    removeFirst();
    removeFirst();
    assert.deepEqual(values(stats, "served"), { "": 13, stale: 1 });
  });

  it("is gone once removed, and may come back", () => {
    const stats = createStats();
    const labels = { name: "a" };
    stats.observe("names", { kind: "gauge", labels }, () => 1)();
    assert.deepEqual(stats.snapshot().metrics, []);
    stats.observe("names", { kind: "gauge", labels }, () => 2);
    assert.deepEqual(values(stats, "names"), { a: 2 });
  });

  it("may be removed in any order with others of its name, and takes only its own", () => {
    const stats = createStats();
    const removeOld = stats.observe("names", { kind: "gauge" }, () => 1);
    removeOld();
    stats.observe("names", { kind: "gauge" }, () => 2);
    removeOld();
    assert.deepEqual(values(stats, "names"), { "": 2 });
  });

  it("is left out and counted when it cannot be read", () => {
    const stats = createStats();
    stats.observe("broken", { kind: "gauge" }, () => {
      throw new Error("gone");
    });
    stats.observe("odd", { kind: "gauge" }, () => NaN);
    stats.observe("half", { kind: "gauge" }, () => 4);
    stats.observe("half", { kind: "gauge" }, () => undefined as unknown as number);
    assert.deepEqual(values(stats, "stats.failed_reads"), { broken: 1, odd: 1, half: 1 });
    assert.deepEqual([values(stats, "broken"), values(stats, "odd"), values(stats, "half")], [{}, {}, {
      "": 4,
    }]);
  });
});

describe("too many labels", () => {
  it("fold into one series, and are counted", () => {
    const stats = createStats({ maxSeries: 3 });
    for (let client = 0; client < 10; client++) {
      stats.counter("requests", { labels: { client: `10.0.0.${client}` } }).add();
    }
    assert.deepEqual(values(stats, "requests"), { "10.0.0.0": 1, "10.0.0.1": 1, "10.0.0.2": 1, other: 7 });
    assert.deepEqual(values(stats, "stats.folded"), { requests: 7 });
    stats.counter("requests", { labels: { client: "10.0.0.1" } }).add();
    assert.equal(values(stats, "requests")["10.0.0.1"], 2, "those that were in time go on");
  });

  it("fold the distributions and the observed, too", () => {
    const stats = createStats({ maxSeries: 1 });
    for (const server of ["a", "b", "c"]) {
      stats.distribution("dns.query", { labels: { server } }).add(1);
      stats.observe("names", { kind: "gauge", labels: { server } }, () => 1);
    }
    assert.deepEqual(values(stats, "names"), { a: 1, other: 2 });
    const series = stats.snapshot().metrics.find(({ name }) => name === "dns.query")?.series;
    assert.deepEqual(series?.map(({ labels }) => labels), [{ server: "a" }, { server: "other" }]);
    assert.equal(stats.distribution("dns.query", { labels: { server: "x" } }).count, 2);
  });

  it("stay bounded in the registry's own counters", () => {
    const stats = createStats({ maxSeries: 2 });
    for (let metric = 0; metric < 5; metric++) {
      for (let label = 0; label < 4; label++) stats.counter(`m${metric}`, { labels: { l: `${label}` } });
    }
    assert.deepEqual(values(stats, "stats.folded"), { m0: 2, m1: 2, other: 6 });
  });

  it("are no way to keep long texts", () => {
    const stats = createStats();
    const long = "x".repeat(100_000);
    stats.counter("c", { labels: { path: long } });
    assert.equal(stats.snapshot().metrics[0]?.series[0]?.labels.path?.length, 201);
    assert.equal(
      stats.counter("c", { labels: { path: long } }),
      stats.counter("c", { labels: { path: long } }),
    );
  });
});

describe("the report of a registry", () => {
  it("has distributions and values as tables", () => {
    const stats = createStats();
    stats.distribution("dns.query", { labels: { server: "10.0.0.1:53", type: "A" } }).add(2);
    stats.distribution("body", { unit: "bytes" }).add(100);
    stats.distribution("idle");
    stats.counter("mail.sent").add(3);
    const reports = createReports();
    reports.add("stats", stats);
    const report = reports.get("stats");
    assert.equal(report?.id, "stats");
    assert.equal(report?.summary, "4 metrics, 4 series");
    const [distributions, scalars] = report?.tables ?? [];
    const details = (key: string) => ({ kind: "details", key });
    const ms = { kind: "duration", ms: 2 };
    const bytes = { kind: "bytes", bytes: 100 };
    assert.deepEqual(distributions?.columns, [
      "Name",
      "Labels",
      "Count",
      "Mean",
      "p50",
      "p90",
      "p99",
      "p99.9",
      "Max",
    ]);
    assert.deepEqual(distributions?.rows, [
      [details("body"), "", 1, bytes, bytes, bytes, bytes, bytes, bytes],
      [details("dns.query"), "server=10.0.0.1:53 type=A", 1, ms, ms, ms, ms, ms, ms],
      [details("idle"), "", 0, null, null, null, null, null, null],
    ]);
    assert.deepEqual(scalars?.rows, [[details("mail.sent"), "", "counter", 3]]);
    assert.deepEqual(report?.findings, []);
  });

  it("finds labels without bound, reads that fail and values that are rejected", () => {
    const stats = createStats({ maxSeries: 1 });
    for (const id of ["1", "2", "3"]) stats.counter("requests", { labels: { id } });
    stats.observe("broken", { kind: "gauge" }, () => NaN);
    stats.distribution("age").add(-1);
    const findings = stats.report().findings ?? [];
    assert.deepEqual(
      findings.map(({ id, severity, evidence }) => [id, severity, /^\d+/.exec(evidence)?.[0]]),
      [["too-many-labels-requests", "warning", "2"], ["failed-reads-broken", "warning", "1"], [
        "rejected-age",
        "info",
        "1",
      ]],
    );
  });

  it("cuts long tables, and says by how much", () => {
    const stats = createStats({ maxSeries: 1000 });
    for (let i = 0; i < 250; i++) stats.counter("c", { labels: { i: `${i}` } });
    const table = stats.report().tables?.[1];
    assert.deepEqual([table?.rows.length, table?.omitted], [200, 50]);
  });
});

describe("a reset", () => {
  it("starts one metric again, or all, and what is held goes on", async () => {
    const stats = createStats();
    const [sent, query] = [stats.counter("mail.sent"), stats.distribution("dns.query")];
    sent.add(3);
    query.add(5);
    stats.sketch("clients").add("a");
    assert.equal(stats.reset("dns.query"), 1);
    assert.deepEqual([sent.value, query.count], [3, 0]);
    const reports = createReports();
    reports.add("stats", stats);
    assert.deepEqual(stats.report().actions, [{ id: "reset", label: "Reset all statistics", fields: [] }]);
    assert.deepEqual(await reports.act("stats", "reset"), { series: 3 });
    assert.deepEqual([sent.value, query.count, stats.sketch("clients").count], [0, 0, 0]);
    sent.add();
    assert.deepEqual(values(stats, "mail.sent"), { "": 1 });
    assert.throws(() => stats.reset("gone"), /there is no metric "gone"/);
    await assert.rejects(reports.act("stats", "erase"), { code: "UNKNOWN_ACTION" });
  });

  it("takes what was counted of folds with it", () => {
    const stats = createStats({ maxSeries: 1 });
    for (const id of ["1", "2"]) stats.counter("c", { labels: { id } });
    assert.equal(stats.report().findings?.length, 1);
    stats.reset();
    assert.equal(stats.report().findings?.length, 0);
  });
});

describe("the details of a metric", () => {
  it("are how its values are spread, and the last ones over time", () => {
    const clock = simulatedClock();
    const stats = createStats({ clock });
    const query = stats.distribution("dns.query", { help: "Queries", labels: { server: "a" } });
    for (let ms = 1; ms <= 100; ms++) query.add(ms);
    const report = stats.details("dns.query");
    const [histogram] = report?.histograms ?? [];
    assert.equal(histogram?.title, "server=a");
    assert.equal(histogram?.buckets.reduce((sum, [, , count]) => sum + count, 0), 100);
    assert.deepEqual(histogram?.quantiles.map(({ q }) => q), [0.5, 0.9, 0.99, 0.999]);
    let before = 0;
    for (const [from, to] of histogram?.buckets ?? []) {
      assert.ok(before <= from && from <= to, `${before}, ${from}, ${to}`);
      before = to;
    }
    assert.deepEqual(
      report?.series?.[0]?.points.map(([, value]) => value),
      Array.from({ length: 32 }, (_, i) => 69 + i),
    );
    assert.deepEqual(report?.actions?.[0]?.fields, [{ name: "name", label: "Metric", value: "dns.query" }]);
    assert.deepEqual(report?.findings, []);
  });

  it("are there for every kind, and for nothing else", async () => {
    const clock = simulatedClock();
    const stats = createStats({ clock });
    stats.counter("c").add();
    stats.gauge("g").set(3);
    stats.distribution("d", { unit: "bytes" });
    stats.sketch("s").add("text", 5);
    const machine = stats.stateStats("m").start("one");
    await clock.advance(5);
    machine.to("two");
    const table = (name: string, id: string) =>
      stats.details(name)?.tables?.find((table) => table.id === id)?.rows;
    assert.deepEqual(table("c", "series"), [[1, null, null]]);
    assert.deepEqual(table("g", "series"), [[3, 3, 3]]);
    assert.deepEqual(table("d", "series")?.[0]?.slice(0, 2), [0, null]);
    assert.deepEqual(table("s", "top"), [["text", 5, 0, { kind: "ratio", ratio: 1 }]]);
    assert.deepEqual(table("m", "transitions"), [["one", "two", 1]]);
    assert.deepEqual(stats.details("m")?.machines?.[0]?.states.map(({ count }) => count), [0, 1]);
    for (const name of ["", "x", "__proto__", "constructor"]) assert.equal(stats.details(name), undefined);
  });
});

describe("too many metrics", () => {
  it("are counted by nobody, and that is told", () => {
    const stats = createStats({ maxMetrics: 5 });
    for (let i = 0; i < 10; i++) stats.counter(`c.${i}`).add();
    assert.deepEqual(values(stats, "stats.refused"), { counter: 8 });
    assert.equal(values(stats, "c.0")[""], 1);
    assert.deepEqual(values(stats, "c.9"), {});
    assert.deepEqual(stats.report().findings?.map(({ id }) => id), ["too-many-metrics-counter"]);
  });
});
