import assert from "node:assert/strict";
import { test } from "node:test";

import {
  formatBytes,
  formatDuration,
  formatIsoTime,
  formatNumber,
  formatRatio,
  formatRelativeTime,
  formatUnit,
} from "@ballast/runtime/meta";
import fc from "fast-check";

function check(format: (value: number) => string, expected: readonly (readonly [number, string])[]): void {
  assert.deepEqual(expected.map(([value]) => [value, format(value)]), expected);
}

test("durations are given in the unit that fits, with three digits", () => {
  check(formatDuration, [
    [0, "0 ms"],
    [0.000_42, "420 ns"],
    [0.85, "850 µs"],
    [1.2399, "1.24 ms"],
    [12.5, "12.5 ms"],
    [999, "999 ms"],
    [1500, "1.5 s"],
    [59_900, "59.9 s"],
    [192_000, "3 m 12 s"],
    [3_600_000, "1 h"],
    [18_180_000, "5 h 3 m"],
    [86_400_000 * 12 + 3_600_000 * 4, "12 d 4 h"],
    [-1500, "-1.5 s"],
    [NaN, "n/a"],
    [Infinity, "n/a"],
  ]);
});

test("a duration that rounds up to the next unit is given in that unit", () => {
  check(formatDuration, [
    [0.000_999_9, "1 µs"],
    [0.999_9, "1 ms"],
    [999.9, "1 s"],
    [59_960, "1 m"],
    [119_600, "2 m"],
    [3_599_600, "1 h"],
    [86_399_000, "1 d"],
  ]);
});

test("a duration read back is the duration, but for the half hour that a day may lose", () => {
  const units: Record<string, number> = { ns: 1e-6, µs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7 };
  fc.assert(fc.property(fc.double({ min: 1e-5, max: 1e12, noNaN: true }), (ms) => {
    const parts = [...formatDuration(ms).matchAll(/([\d.]+) (\S+)/g)];
    const sum = parts.reduce((total, [, count, unit]) => total + Number(count) * units[unit!]!, 0);
    assert.ok(Math.abs(sum - ms) <= ms / 48, `${ms} ms reads ${formatDuration(ms)}`);
    assert.doesNotMatch(formatDuration(ms), /^60 s|^1000 .?s|\b60 [sm]$|24 h/);
  }));
});

test("bytes are given in binary units", () => {
  check(formatBytes, [
    [0, "0 B"],
    [512, "512 B"],
    [1023.9, "1 KiB"],
    [13_000_000, "12.4 MiB"],
    [1024 ** 2 - 1, "1 MiB"],
    [3 * 1024 ** 3, "3 GiB"],
    [5 * 1024 ** 5, "5 PiB"],
    [-2048, "-2 KiB"],
    [NaN, "n/a"],
  ]);
});

test("ratios are percentages that say all or nothing only when it is", () => {
  check(formatRatio, [
    [0, "0%"],
    [1, "100%"],
    [0.42, "42%"],
    [0.123_45, "12.3%"],
    [0.999_82, "99.98%"],
    [0.999_999_9, ">99.999%"],
    [0.000_4, "0.04%"],
    [0.000_000_1, "<0.001%"],
    [1.5, "150%"],
    [-0.5, "-50%"],
    [NaN, "n/a"],
  ]);
});

test("numbers are short, and grouped where they are long", () => {
  check(formatNumber, [
    [0, "0"],
    [-0, "0"],
    [7, "7"],
    [0.125, "0.125"],
    [1 / 3, "0.333"],
    [3.14159, "3.14"],
    [5432, "5432"],
    [12_345, "12,345"],
    [1_234_567.8, "1,234,568"],
    [0.000_01, "1.0e-5"],
    [NaN, "n/a"],
    [Infinity, "∞"],
    [-Infinity, "-∞"],
  ]);
});

test("moments are told from the moment of the page", () => {
  const now = Date.UTC(2026, 0, 1);
  check((at) => formatRelativeTime(at, now), [
    [now, "now"],
    [now - 999, "now"],
    [now - 12_900, "12 s ago"],
    [now - 192_000, "3 m 12 s ago"],
    [now + 298_000, "in 4 m 58 s"],
    [NaN, "n/a"],
  ]);
  assert.equal(formatIsoTime(now), "2026-01-01T00:00:00.000Z");
  assert.equal(formatIsoTime(1e300), undefined);
});

test("the unit of a series decides how its values are written", () => {
  assert.deepEqual(["ms", "bytes", "1", "", "V"].map((unit) => formatUnit(2048, unit)), [
    "2.05 s",
    "2 KiB",
    "2048",
    "2048",
    "2048 V",
  ]);
});
