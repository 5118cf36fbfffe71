import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { BallastError } from "@ballast/runtime";
import { normalizeName, parseLiteral } from "../../src/dns/name.ts";

test("a name has one spelling: lower case, no final dot, ASCII", () => {
  const spellings: readonly [string, string][] = [
    ["Example.COM", "example.com"],
    ["example.com.", "example.com"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["BÜCHER.example.", "xn--bcher-kva.example"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["faß.example", "xn--fa-hia.example"],
    ["_http._tcp.example", "_http._tcp.example"],
    ["r3---sn-4g5e6nze.example", "r3---sn-4g5e6nze.example"],
    ["db", "db"],
    [`${"a".repeat(63)}.example`, `${"a".repeat(63)}.example`],
  ];
  for (const [given, wanted] of spellings) assert.equal(normalizeName(given), wanted);
});

test("what can be no host name is refused, and the text says why", () => {
  const label64 = "a".repeat(64);
  const long = Array.from({ length: 50 }, () => "abcdef").join(".");
  const wrong: readonly [string, RegExp][] = [
    ["", /empty/],
    [".", /empty/],
    ["a..b", /empty label/],
    [".example", /empty label/],
    ["example..", /empty label/],
    [`${label64}.example`, /a label has 64 octets, at most 63/],
    [long, /349 octets, at most 253/],
    ["two words", /only letters/],
    ["a/b", /only letters/],
    ["user@host", /only letters/],
    ["host:80", /only letters/],
    ["<script>", /only letters/],
    ["a\nb", /only letters/],
    ["bü/cher", /no host name has/],
    ["bü%41", /no host name has/],
    ["1.2.3", /ends in a number/],
    ["256.1.1.1", /ends in a number/],
    ["0x7f.1", /ends in a number/],
    ["１２７.0.0.1", /ends in a number/],
  ];
  for (const [given, why] of wrong) {
    assert.throws(() => normalizeName(given), (error) => {
      assert.ok(error instanceof BallastError);
      assert.equal(error.code, "INVALID_NAME");
      assert.match(error.message, why);
      return true;
    }, given);
  }
  assert.throws(() => normalizeName(42 as unknown as string), /must be a string, got 42/);
});

test("addresses are told from names, in their shortest spelling", () => {
  const literals: readonly [string, string, 4 | 6][] = [
    ["10.0.0.4", "10.0.0.4", 4],
    ["255.255.255.255", "255.255.255.255", 4],
    ["::1", "::1", 6],
    ["[::1]", "::1", 6],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1", 6],
    ["::ffff:10.0.0.4", "::ffff:a00:4", 6],
    ["fe80::1%eth0", "fe80::1%eth0", 6],
  ];
  for (const [given, address, family] of literals) assert.deepEqual(parseLiteral(given), { address, family });
  for (
    const given of [
      "",
      "1.2.3",
      "1.2.3.4.5",
      "256.0.0.1",
      "010.0.0.1",
      "1.2.3.4 ",
      ":",
      ":::",
      "1::2::3",
      "[::1",
      "::1%",
      "g::1",
      "a:b",
    ]
  ) {
    assert.equal(parseLiteral(given), undefined, given);
  }
});

test("any text is a name in its one spelling, or refused: nothing else", () => {
  const texts = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.domain(),
    fc.ipV4Extended(),
    fc.ipV6(),
    fc.array(fc.string({ unit: "grapheme", maxLength: 70 }), { maxLength: 8 }).map((labels) =>
      labels.join(".")
    ),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const literal = parseLiteral(text);
      if (literal !== undefined) return assert.deepEqual(parseLiteral(literal.address), literal);
      try {
        const name = normalizeName(text);
        assert.match(name, /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/);
        assert.ok(name.length <= 253);
        assert.equal(normalizeName(name), name);
        assert.equal(parseLiteral(name), undefined);
      } catch (error) {
        assert.ok(error instanceof BallastError && error.code === "INVALID_NAME", String(error));
        assert.ok(error.message.length < 400);
      }
    }),
    { numRuns: 2_000 },
  );
});
