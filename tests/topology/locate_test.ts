import assert from "node:assert/strict";
import { test } from "node:test";

import { checkHostsFile, checkTopology } from "@ballast/runtime/topology";
import fc from "fast-check";
import { mapJson, placeOf } from "../../src/topology/locate.ts";

test("every text that JSON.parse takes is mapped, and every other has a fault", () => {
  fc.assert(
    fc.property(
      fc.json(),
      fc.nat(),
      fc.constantFrom("", ",", "}", '"', "x", "\\", "-", "1"),
      (text, at, slip) => {
        const given = slip === ""
          ? text
          : text.slice(0, at % (text.length + 1)) + slip + text.slice(at % (text.length + 1));
        let isJson = true;
        try {
          JSON.parse(given);
        } catch {
          isJson = false;
        }
        assert.equal(mapJson(given).fault === undefined, isJson, given);
      },
    ),
    { numRuns: 2_000 },
  );
});

test("what is wrong with a text, and where", () => {
  const cases: [string, number, number, RegExp][] = [
    ["", 1, 1, /a value is wanted, not the end of the text/],
    ['{\n  "a": 1,\n}', 2, 9, /a comma too many before "}"/],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, /"," or "}" is missing before "\\""/],
    ["[1, 2", 1, 6, /"," or "]" is missing before the end/],
    ["{ a: 1 }", 1, 3, /a key in double quotes is wanted, not "a"/],
    ["{ 'a': 1 }", 1, 3, /a key in double quotes is wanted/],
    ['{ "a" 1 }', 1, 7, /":" is missing before "1"/],
    ['["abc', 1, 2, /no closing quote/],
    ['["a\\x"]', 1, 4, /there is no escape/],
    ["[01]", 1, 2, /a value is wanted, not "01"/],
    ["[tru]", 1, 2, /a value is wanted, not "tru"/],
    ["{} {}", 1, 4, /the document ends before this/],
  ];
  for (const [text, line, column, message] of cases) {
    const { fault } = mapJson(text);
    assert.ok(fault !== undefined, text);
    assert.deepEqual(placeOf(text, fault.offset), { line, column }, text);
    assert.match(fault.message, message, text);
  }
});

test("members and elements are found by their paths", () => {
  const text = `{\n  "hosts": { "a\\"b": ["10.0.0.1",\n    "10.0.0.2"] }\n}`;
  const { offsets } = mapJson(text);
  const place = (path: string) => placeOf(text, offsets.get(path)!);
  assert.deepEqual(place("hosts"), { line: 2, column: 3 });
  assert.deepEqual(place('hosts["a\\"b"]'), { line: 2, column: 14 });
  assert.deepEqual(place('hosts["a\\"b"][1]'), { line: 3, column: 5 });
});

test("a refused topology tells the line of every problem that has one", () => {
  const check = checkTopology(`{\n "schema": 1,\n "hosts": {\n  "x": ["y"]\n }\n}`);
  assert.ok(!check.ok);
  const places = check.problems.map(({ path, line, column }) => [path, line, column]);
  assert.deepEqual(places, [["version", undefined, undefined], ['hosts["x"]', 4, 3]]);
});

test("text that is nested without end does no harm", () => {
  assert.match(mapJson("[".repeat(100_000)).fault!.message, /nested deeper than/);
});

test("a hosts file gives every name its addresses, in any spelling", () => {
  const check = checkHostsFile(
    "10.0.0.4 DB.internal. db\r\n\n# nothing\n::1 db # six\nfe80::1%lo0 link\n10.0.0.4 db\n",
  );
  assert.ok(check.ok);
  assert.deepEqual(check.hosts, { "db.internal": ["10.0.0.4"], db: ["10.0.0.4", "::1"], link: ["fe80::1"] });
});
