import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";
import { readKeys } from "../../../src/group/cli/top/keys.ts";
import { cutLine, line, lineWidth, padLine, paint, span, spread } from "../../../src/group/cli/top/line.ts";
import { bucketsOf, latencyBetween, latencyMetric } from "../../../src/group/cli/top/latency.ts";
import { resample, sparkline } from "../../../src/group/cli/top/spark.ts";
import { cut, fit, harmless, widthOf } from "../../../src/group/cli/top/text.ts";
import { createDistribution, createStats } from "@ballast/runtime/stats";
import { createRuntime } from "@ballast/runtime";

// deno-lint-ignore no-control-regex
const OBEYED = /[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/;

test("nothing that a terminal obeys is left in a text, and the rest of it is", () => {
  assert.equal(harmless("a\x1b[2Jb\r\n\x07\x7f"), "a␛[2Jb␍␊␇␡");
  assert.equal(harmless("x\u202egnp.exe\u2066\x9b31m"), "x\ufffdgnp.exe\ufffd\ufffd31m");
  assert.equal(harmless("payments – ünïcode ✓"), "payments – ünïcode ✓");
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assert.doesNotMatch(harmless(text), OBEYED);
    assert.doesNotMatch(paint([span(text, "bad")], false), OBEYED);
  }));
});

test("wide and joined characters take the columns that a terminal gives them", () => {
  for (
    const [text, columns] of [
      ["abc", 3],
      ["日本", 4],
      ["é", 1],
      ["e\u0301", 1],
      ["🚢", 2],
      ["👩‍👩‍👧", 2],
      ["ｆ", 2],
      [
        "한국",
        4,
      ],
      ["▁▇●", 3],
      ["", 0],
    ] as const
  ) assert.equal(widthOf(text), columns, text);
});

test("a text is cut between characters, never within one, and says that it was", () => {
  assert.equal(cut("payments", 5), "paym…");
  assert.equal(cut("日本語", 5), "日本…");
  assert.equal(cut("日本語", 4), "日…");
  assert.equal(fit("ab", 4), "ab  ");
  assert.equal(fit("ab", 4, "right"), "  ab");
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 0, max: 30 }), (text, columns) => {
    const safe = harmless(text);
    assert.ok(widthOf(cut(safe, columns)) <= Math.max(0, columns));
    assert.equal(widthOf(fit(safe, columns)), columns);
  }));
});

test("lines are cut, filled and put beside each other to the column", () => {
  const spans = line(span("日本", "good"), " and ", span("more", "dim"));
  assert.equal(lineWidth(spans), 13);
  for (let columns = 0; columns <= 20; columns++) {
    assert.ok(lineWidth(cutLine(spans, columns)) <= columns);
    assert.equal(lineWidth(padLine(spans, columns)), columns);
  }
  const both = paint(spread(line("left side"), line("right"), 20), false);
  assert.equal(both, "left side      right");
  assert.equal(paint(spread(line("a long left side"), line("right"), 20), false), "a long left s… right");
});

test("colours come with a terminal that wants them, and end with their text", () => {
  assert.equal(paint(line(span("up", "good"), " x"), true), "\x1b[32mup\x1b[0m x");
  assert.equal(paint(line(span("up", "good"), " x"), false), "up x");
});

test("a spark line runs from zero to the largest", () => {
  assert.equal(sparkline([0, 1, 2, 4, undefined, NaN]), "▁▂▄▇  ");
  assert.equal(sparkline([0, 0]), "▁▁");
  assert.equal(sparkline([1, 1], 10), "▁▁", "what is little of what may be is drawn as little");
  assert.equal(sparkline([]), "");
});

test("points are gathered into steps: the largest of each, and what is not known stays so", () => {
  const points = [[1_000, 3], [1_500, 5], [3_200, 1]] as const;
  assert.deepEqual(resample(points, 4_000, 1_000, 4), [undefined, 5, undefined, 1]);
  assert.deepEqual(resample(points, 4_000, 1_000, 4, 0), [undefined, 5, 0, 1]);
  assert.deepEqual(resample([], 4_000, 1_000, 3, 0), [undefined, undefined, undefined]);
  assert.deepEqual(
    resample([[100, 9], [3_900, 1]], 4_000, 1_000, 2, 0),
    [0, 1],
    "older points have no place",
  );
});

test("keys are told from what a terminal sends, several at once, and strange ones are passed over", () => {
  assert.deepEqual(readKeys("q"), ["q"]);
  assert.deepEqual(readKeys("\x1b[A\x1bOB\x1b[Z\t\x03\x1a"), [
    "up",
    "down",
    "backtab",
    "tab",
    "ctrl-c",
    "ctrl-z",
  ]);
  assert.deepEqual(readKeys("\x1b"), ["escape"]);
  assert.deepEqual(readKeys("\x1b[5~\x1b[6~\x1b[1;5C?é"), ["pageup", "pagedown", "?", "é"]);
});

test("latency between two looks is that of the requests between them", async () => {
  const stats = createStats();
  const distribution = stats.distribution("shop.request", { unit: "ms" });
  await using runtime = createRuntime({ monitor: false });
  assert.equal(latencyMetric(runtime.stats.report()), undefined, "nothing there says how long requests take");
  for (let value = 1; value <= 1_000; value++) distribution.add(1);
  const histogram = () => stats.details("shop.request")!.histograms!;
  assert.equal(latencyMetric(stats.report()), "shop.request");

  const before = bucketsOf(histogram());
  const all = latencyBetween("shop.request", undefined, before);
  assert.deepEqual([all.count, all.p50], [1_000, 1]);
  assert.deepEqual(latencyBetween("shop.request", before, before), { metric: "shop.request", count: 0 });

  const expected = createDistribution({ unit: "ms" });
  for (let value = 1; value <= 100; value++) {
    distribution.add(value * 3);
    expected.add(value * 3);
  }
  const { count, p50, p99 } = latencyBetween("shop.request", before, bucketsOf(histogram()));
  assert.equal(count, 100);
  assert.ok(Math.abs(p50! / expected.quantile(0.5)! - 1) < 0.03, `p50 ${p50}`);
  assert.ok(Math.abs(p99! / expected.quantile(0.99)! - 1) < 0.03, `p99 ${p99}`);
  const restarted = latencyBetween("shop.request", bucketsOf(histogram()), before);
  assert.equal(restarted.count, 1_000, "a service that was started anew counts from zero");
});
