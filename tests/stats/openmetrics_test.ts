import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createStats,
  OPEN_METRICS_CONTENT_TYPE,
  openMetricsText,
  prometheusText,
  type Stats,
} from "@ballast/runtime/stats";
import fc from "fast-check";

interface Sample {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

/** A reader of the samples, strict in what it takes: it follows the grammar of OpenMetrics 1.0. */
function samplesOf(text: string): Sample[] {
  assert.ok(text.endsWith("\n# EOF\n"));
  const lines = text.slice(0, -"\n# EOF\n".length).split("\n");
  return lines.filter((line) => !line.startsWith("# ")).map((line) => {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([-+.e\d]+)$/s.exec(line);
    assert.ok(match, `no sample: ${line}`);
    const [, name, labelText = "", value] = match;
    const labels: Record<string, string> = {};
    let rest = labelText;
    while (rest !== "") {
      const label = /^([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/.exec(rest);
      assert.ok(label, `no label: ${rest}`);
      labels[label[1]!] = label[2]!.replace(/\\(.)/g, (_, escaped) => escaped === "n" ? "\n" : escaped);
      rest = rest.slice(label[0].length);
    }
    return { name: name!, labels, value: Number(value) };
  });
}

function sample(stats: Stats, name: string): number | undefined {
  return samplesOf(stats.openMetrics()).find((found) => found.name === name)?.value;
}

describe("OpenMetrics text", () => {
  it("is this, to the letter", () => {
    const stats = createStats();
    const query = stats.distribution("dns.query", {
      help: "Queries, answered or not",
      labels: { type: "A" },
    });
    for (const ms of [0.125, 1, 1.5, 40, 100_000]) query.add(ms);
    stats.counter("mail.sent", { help: 'Letters "sent"\nby \\ us' }).add(3);
    stats.observe("heap", { kind: "gauge", unit: "bytes" }, () => 2048);
    const bucket = (le: string, count: number) =>
      `ballast_dns_query_duration_seconds_bucket{type="A",le="${le}"} ${count}`;
    assert.equal(
      stats.openMetrics(),
      [
        "# TYPE ballast_dns_query_duration_seconds histogram",
        "# UNIT ballast_dns_query_duration_seconds seconds",
        "# HELP ballast_dns_query_duration_seconds Queries, answered or not",
        ...["0.000125", "0.00025", "0.0005"].map((le) => bucket(le, 1)),
        bucket("0.001", 2),
        ...["0.0025", "0.005", "0.01", "0.025"].map((le) => bucket(le, 3)),
        ...["0.05", "0.1", "0.25", "0.5", "1.0", "2.0", "4.0", "8.0", "16.0", "32.0", "64.0"].map((le) =>
          bucket(le, 4)
        ),
        bucket("+Inf", 5),
        'ballast_dns_query_duration_seconds_count{type="A"} 5',
        'ballast_dns_query_duration_seconds_sum{type="A"} 100.042625',
        "# TYPE ballast_heap_bytes gauge",
        "# UNIT ballast_heap_bytes bytes",
        "# HELP ballast_heap_bytes heap",
        "ballast_heap_bytes 2048",
        "# TYPE ballast_mail_sent counter",
        '# HELP ballast_mail_sent Letters \\"sent\\"\\nby \\\\ us',
        "ballast_mail_sent_total 3",
        "# EOF",
        "",
      ].join("\n"),
    );
  });

  it("has cumulative counts that are exact, values on a bound included", () => {
    const exponents = fc.array(fc.integer({ min: -5, max: 18 }), { maxLength: 50 });
    const others = fc.array(fc.double({ min: 0, max: 1e5, noNaN: true }), { maxLength: 50, size: "max" });
    const units = fc.constantFrom("ms", "bytes", "1");
    fc.assert(fc.property(exponents, others, units, (onEdges, between, unit) => {
      const values = [...onEdges.flatMap((exponent) => [2 ** exponent, 10 ** (exponent % 4)]), ...between];
      const stats = createStats();
      const distribution = stats.distribution("d", { unit });
      for (const value of values) distribution.add(value);
      const scale = unit === "ms" ? 1000 : 1;
      const buckets = samplesOf(stats.openMetrics()).filter(({ name }) => name.endsWith("_bucket"));
      assert.ok(buckets.length > 10);
      for (const { labels, value } of buckets) {
        const bound = labels.le === "+Inf" ? Infinity : Math.round(Number(labels.le) * scale * 1e6) / 1e6;
        assert.equal(value, values.filter((each) => each <= bound).length, `at most ${labels.le}`);
      }
    }));
  });

  it("brings hostile label values back as they were", () => {
    const hostile = fc.string({
      unit: fc.constantFrom('"', "\\", "\n", "n", "{", "}", ",", "=", "\r", "é", "😀"),
    });
    fc.assert(fc.property(hostile, hostile, (first, second) => {
      const stats = createStats();
      stats.counter("c", { labels: { first, second }, help: first }).add(7);
      assert.deepEqual(samplesOf(stats.openMetrics()), [{
        name: "ballast_c_total",
        labels: { first, second },
        value: 7,
      }]);
    }));
  });

  it("has no half of a surrogate pair, which UTF-8 cannot say", () => {
    const stats = createStats();
    stats.counter("c", { labels: { name: "a\ud800b" } }).add();
    assert.match(stats.openMetrics(), /name="a\ufffdb"/);
  });

  it("has names that end in the unit, and say it once", () => {
    const stats = createStats();
    stats.distribution("http.duration").add(1000);
    stats.distribution("wait_seconds").add(2000);
    stats.distribution("body_bytes", { unit: "bytes" }).add(1);
    stats.counter("cpu", { unit: "ms" }).add(1500);
    stats.counter("letters_total").add();
    stats.distribution("depth", { unit: "1" }).add(3);
    assert.equal(sample(stats, "ballast_http_duration_seconds_sum"), 1);
    assert.equal(sample(stats, "ballast_wait_seconds_sum"), 2);
    assert.equal(sample(stats, "ballast_body_bytes_sum"), 1);
    assert.equal(sample(stats, "ballast_cpu_seconds_total"), 1.5);
    assert.equal(sample(stats, "ballast_letters_total"), 1);
    assert.equal(sample(stats, "ballast_depth_sum"), 3);
  });

  it("begins with any prefix, or none", () => {
    const stats = createStats();
    stats.counter("mail.sent").add();
    assert.match(stats.openMetrics({ prefix: "shop" }), /^shop_mail_sent_total 1$/m);
    assert.match(openMetricsText(stats.snapshot(), { prefix: "" }), /^mail_sent_total 1$/m);
    assert.throws(() => stats.openMetrics({ prefix: "my-shop" }), /prefix must be of letters.*got "my-shop"/);
  });

  it("of an empty registry is its end", () => {
    assert.equal(createStats().openMetrics(), "# EOF\n");
    assert.equal(OPEN_METRICS_CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  });
});

describe("histograms of finer bounds", () => {
  it("have so many to an octave, and counts as exact", () => {
    const stats = createStats({ openMetrics: { bucketsPerOctave: 4, prefix: "shop" } });
    const values = Array.from({ length: 200 }, (_, i) => 0.05 * 1.07 ** i);
    for (const value of values) stats.distribution("d").add(value);
    const buckets = samplesOf(stats.openMetrics()).filter(({ name }) =>
      name === "shop_d_duration_seconds_bucket"
    );
    assert.equal(buckets.length, 19 * 4 + 2);
    for (const { labels, value } of buckets.slice(0, -1)) {
      const bound = Number(labels.le) * 1000 * (1 + 1e-12);
      assert.equal(value, values.filter((each) => each <= bound).length, `at most ${labels.le}`);
    }
    for (const bucketsPerOctave of [0, 3, 128, 1.5]) {
      assert.throws(() => stats.openMetrics({ bucketsPerOctave }), RangeError);
    }
  });
});

describe("Prometheus' own text", () => {
  it("is this, to the letter", () => {
    const stats = createStats();
    stats.counter("mail.sent", { help: 'Letters "sent"\nby \\ us', labels: { a: '"\n\\' } }).add(3);
    stats.observe("heap", { kind: "gauge", unit: "bytes" }, () => 2048);
    assert.equal(
      prometheusText(stats.snapshot()),
      [
        "# HELP ballast_heap_bytes heap",
        "# TYPE ballast_heap_bytes gauge",
        "ballast_heap_bytes 2048",
        '# HELP ballast_mail_sent_total Letters "sent"\\nby \\\\ us',
        "# TYPE ballast_mail_sent_total counter",
        'ballast_mail_sent_total{a="\\"\\n\\\\"} 3',
        "",
      ].join("\n"),
    );
  });
});
