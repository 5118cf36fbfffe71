import assert from "node:assert/strict";
import { test } from "node:test";

import { createMetaApp, type Histogram, type Report } from "@ballast/runtime/meta";
import fc from "fast-check";
import { type Element, fakeRuntime, NOW, parse } from "./support.ts";

/** The height of a plot, and where it starts below the top of a line's chart. */
const HEIGHT = 112;
const HEAD = 16;

async function render(
  report: Partial<Report>,
): Promise<readonly Element[]> {
  const runtime = fakeRuntime([{ id: "r", title: "R", ...report }]);
  return parse(await (await createMetaApp(runtime).request("/r?format=html")).text());
}

type Points = readonly (readonly [at: number, value: number])[];

function renderSeries(points: Points, unit = "1"): Promise<readonly Element[]> {
  return render({ series: [{ id: "s", title: "Lookups", unit, points }] });
}

function renderHistogram(histogram: Partial<Histogram>): Promise<readonly Element[]> {
  const complete: Histogram = {
    id: "h",
    title: "Durations",
    unit: "ms",
    count: 1,
    buckets: [],
    quantiles: [],
    ...histogram,
  };
  return render({ histograms: [complete] });
}

function find(elements: readonly Element[], tag: string, className?: string): readonly Element[] {
  return elements.filter((element) =>
    element.tag === tag && (className === undefined || element.attributes.class === className)
  );
}

async function line(points: Points, unit?: string): Promise<string | undefined> {
  return find(await renderSeries(points, unit), "path", "line")[0]?.attributes.d;
}

/** The labels of an axis: those above the foot of the chart, or those below it. */
function labels(elements: readonly Element[], head: number, at: "levels" | "foot"): string[] {
  return find(elements, "text", "tick")
    .filter(({ attributes }) => Number(attributes.y) > head + HEIGHT === (at === "foot"))
    .map(({ text }) => text);
}

test("a series is a line from its first value to its last, between round values", async () => {
  assert.equal(await line([[0, 10], [50, 30], [100, 20]]), "M0,84L150,28L300,56");
  assert.equal(await line([[0, 7], [100, 7]]), "M0,33.6L300,33.6");
  assert.equal(await line([[5, 0]]), "M0,112L300,112");
  assert.equal(await line([[0, NaN], [1, Infinity]]), undefined);
  assert.equal(await line([]), undefined);
});

test("a long series is thinned without losing a spike", async () => {
  const points = Array.from({ length: 100_000 }, (_, at) => [at, at === 77_777 ? 1000 : at % 10] as const);
  const drawn = (await line(points))!.split("L");
  assert.ok(drawn.length <= 600, `${drawn.length} points`);
  assert.equal(drawn.filter((point) => point.endsWith(",0")).length, 1);
});

test("levels are round in the unit of the values", async () => {
  const cases: [unit: string, values: number[], levels: string[]][] = [
    ["1", [0, 9], ["0", "5", "10"]],
    ["1", [95, 104], ["95", "100", "105"]],
    ["bytes", [0, 100 * 2 ** 20], ["0 B", "64 MiB", "128 MiB"]],
    ["ms", [0, 45_000], ["0 ms", "15 s", "30 s", "45 s"]],
    ["ms", [0, 100_000], ["0 ms", "1 m", "2 m"]],
    ["requests", [0, 0], ["0 requests", "0.5 requests", "1 requests"]],
    ["1", [-5, -5], ["-6", "-4", "-2", "0"]],
  ];
  for (const [unit, values, levels] of cases) {
    const elements = await renderSeries(values.map((value, at) => [at, value]), unit);
    assert.deepEqual(labels(elements, HEAD, "levels"), levels, `${values} ${unit}`);
  }
});

test("durations that span decades stand on a logarithmic scale, others on a linear one", async () => {
  const decades = await renderSeries([[0, 1], [1, 10], [2, 1000]], "ms");
  assert.deepEqual(labels(decades, HEAD, "levels"), ["1 ms", "10 ms", "100 ms", "1 s"]);
  assert.equal(find(decades, "path", "line")[0]!.attributes.d, "M0,112L150,74.7L300,0");
  assert.equal(find(decades, "path", "area").length, 0, "an area means nothing there");
  assert.match(find(decades, "desc")[0]!.text, /logarithmic/);
  for (const [unit, first] of [["1", 1], ["ms", 0], ["ms", 500]] as const) {
    const elements = await renderSeries([[0, first], [1, 1000]], unit);
    assert.match(find(elements, "desc")[0]!.text, /linear/);
  }
});

test("the time axis tells whole spans before the moment of the page", async () => {
  const elements = await renderSeries([[NOW - 600_000, 1], [NOW, 2]]);
  assert.deepEqual(labels(elements, HEAD, "foot"), ["10 m ago", "5 m ago", "now"]);
  const earlier = await renderSeries([[NOW - 100_000, 1], [NOW - 50_000, 2]]);
  assert.deepEqual(labels(earlier, HEAD, "foot"), ["1 m 30 s ago", "1 m ago"]);
});

test("a chart says in words what it shows", async () => {
  const elements = await renderSeries([[NOW - 60_000, 1], [NOW, 5], [NOW, 2]]);
  const [chart] = find(elements, "svg", "chart");
  assert.equal(chart!.attributes.role, "img");
  const texts = chart!.attributes["aria-labelledby"]!.split(" ").map((id) =>
    elements.find(({ attributes }) => attributes.id === id)!.text
  );
  assert.deepEqual(texts, ["Lookups", "3 values in 1 m: lowest 1, highest 5, last 2. The scale is linear."]);
});

test("two charts, tables or machines of one id have ids of their own on the page", async () => {
  const series = { id: "x", title: "X", unit: "1", points: [[0, 1]] as const };
  const table = { id: "x", title: "X", columns: ["A"], rows: [["a"], ["b"]], empty: "" };
  const elements = await render({ series: [series, series], tables: [table, table, table] });
  const ids = elements.flatMap(({ attributes }) => attributes.id ?? []);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.includes("table-x-3"));
});

test("a column is as high as values are dense", async () => {
  const elements = await renderHistogram({ count: 40, buckets: [[0, 30, 30], [30, 60, 10]] });
  const columns = find(elements, "rect").map(({ attributes }) => attributes.height);
  assert.deepEqual([...new Set(columns)], ["112", "37.3"]);
  assert.deepEqual(labels(elements, 16, "foot"), ["0 ms", "20 ms", "40 ms", "60 ms"]);
  assert.equal(find(elements, "rect")[0]!.text, "0 ms to 1 ms: 2.5%");
});

test("a histogram across decades is on a logarithmic axis, where equal ratios are equally dense", async () => {
  const elements = await renderHistogram({
    count: 20,
    buckets: [[1, 10, 10], [10, 100, 10]],
    quantiles: [{ q: 0.5, value: 10 }, { q: 0.9, value: 79 }, { q: 0.999, value: 100 }],
  });
  assert.deepEqual([...new Set(find(elements, "rect").map(({ attributes }) => attributes.height))], ["112"]);
  assert.deepEqual(labels(elements, 29, "foot"), ["1 ms", "10 ms", "100 ms"]);
  const marks = find(elements, "line", "mark").map(({ attributes }) => attributes.x1);
  assert.deepEqual(marks, ["50%", "94.88%", "100%"]);
  assert.deepEqual(find(elements, "text", "mark").map(({ text, attributes }) => [text, attributes.y]), [
    ["p50", "10"],
    ["p90", "10"],
    ["p99.9", "23"],
  ]);
  assert.equal(
    find(elements, "desc")[0]!.text,
    "20 values. p50: 10 ms. p90: 79 ms. p99.9: 100 ms. The scale is logarithmic.",
  );
});

test("a histogram of nothing says so, and one of zeros is drawn", async () => {
  const empty = await renderHistogram({ count: 0 });
  assert.equal(find(empty, "svg", "chart").length, 0);
  assert.ok(find(empty, "figure")[0]!.text.includes("no values yet"));
  assert.equal(find(await renderHistogram({ buckets: [[0, 0, 7]] }), "rect").length, 1);
  const withZeros = await renderHistogram({ count: 3, buckets: [[0, 0.001, 1], [1, 2, 1], [100, 200, 1]] });
  assert.match(find(withZeros, "desc")[0]!.text, /logarithmic/);
});

test("no values, however odd, draw what is no number or lies outside", async () => {
  const value = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(0, -0, 1e300, -1e300, 5e-324));
  const points = fc.array(fc.tuple(fc.oneof(fc.integer(), fc.double()), value), { maxLength: 6 });
  const bucket = fc.tuple(fc.double({ min: 0 }), fc.double({ min: 0 }), fc.nat());
  const unit = fc.constantFrom("ms", "bytes", "1", "constructor");
  await fc.assert(
    fc.asyncProperty(points, fc.array(bucket, { maxLength: 6 }), unit, async (points, buckets, unit) => {
      const ordered = [...points].sort((a, b) => a[0] - b[0]);
      const elements = await render({
        series: [{ id: "s", title: "S", unit, points: ordered }],
        histograms: [{ id: "h", title: "H", unit, count: 1, quantiles: [], buckets: buckets.map(ascending) }],
      });
      for (const { attributes } of elements) {
        for (const name of ["d", "x", "y", "x1", "y1", "cy", "height", "width"]) {
          const numbers = (attributes[name] ?? "").split(/[ ,MLZ]+/).map((text) =>
            Number(text.replace("%", ""))
          );
          assert.ok(numbers.every((number) => number >= -5 && number <= 2000), `${name}=${attributes[name]}`);
        }
      }
    }),
    { numRuns: 100 },
  );
});

function ascending([from, to, count]: [number, number, number]): [number, number, number] {
  return [Math.min(from, to), Math.max(from, to), count];
}
