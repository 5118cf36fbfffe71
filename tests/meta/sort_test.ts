import assert from "node:assert/strict";
import { test } from "node:test";

import { type Cell, createMetaApp, type ReportTable } from "@ballast/runtime/meta";
import { fakeRuntime, NOW, parse } from "./support.ts";

const TABLE: ReportTable = {
  id: "names",
  title: "Names",
  columns: ["Name", "Age", "State"],
  rows: [
    ["node-10", { kind: "duration", ms: 2_000 }, { kind: "state", state: "stale", tone: "warning" }],
    ["node-2", { kind: "duration", ms: 900_000 }, { kind: "state", state: "fresh", tone: "good" }],
    ["alpha", null, { kind: "state", state: "fresh", tone: "good" }],
    ["Beta", { kind: "duration", ms: 0.5 }, { kind: "state", state: "failed", tone: "bad" }],
  ],
  empty: "",
};

async function elementsFor(query: string, tables: readonly ReportTable[] = [TABLE]) {
  const runtime = fakeRuntime([{ id: "dns", title: "DNS", tables }]);
  const response = await createMetaApp(runtime).request(`/dns?format=html${query}`);
  assert.equal(response.status, 200);
  return parse(await response.text());
}

async function names(query: string, tables?: readonly ReportTable[]): Promise<string[]> {
  return (await elementsFor(query, tables)).filter(({ attributes }) => attributes.scope === "row").map((
    { text },
  ) => text);
}

const AS_REPORTED = ["node-10", "node-2", "alpha", "Beta"];

test("rows come in the order that the address asks for; what is not there comes last in both directions", async () => {
  assert.deepEqual(await names(""), AS_REPORTED);
  assert.deepEqual(await names("&sort=names.1"), ["alpha", "Beta", "node-2", "node-10"]);
  assert.deepEqual(await names("&sort=-names.1"), ["node-10", "node-2", "Beta", "alpha"]);
  assert.deepEqual(await names("&sort=names.2"), ["Beta", "node-10", "node-2", "alpha"]);
  assert.deepEqual(await names("&sort=-names.2"), ["node-2", "node-10", "Beta", "alpha"]);
  assert.deepEqual(
    await names("&sort=names.3"),
    ["Beta", "node-2", "alpha", "node-10"],
    "equal ones keep their order",
  );
});

test("an order that makes no sense changes nothing", async () => {
  for (
    const sort of [
      "",
      "names",
      "names.0",
      "names.9",
      "names.-1",
      "other.1",
      "names.1e3",
      "-",
      ".1",
      "names.x",
    ]
  ) {
    assert.deepEqual(await names(`&sort=${sort}`), AS_REPORTED, sort);
  }
});

test("a head says how the table is ordered, and links to the next order: numbers start with the largest", async () => {
  const cases: [query: string, sorts: (string | undefined)[], links: string[]][] = [
    ["", [undefined, undefined, undefined], ["?sort=names.1", "?sort=-names.2", "?sort=names.3"]],
    ["&sort=names.1", ["ascending", undefined, undefined], [
      "?sort=-names.1",
      "?sort=-names.2",
      "?sort=names.3",
    ]],
    ["&sort=-names.1", ["descending", undefined, undefined], ["?", "?sort=-names.2", "?sort=names.3"]],
    ["&sort=-names.2", [undefined, "descending", undefined], [
      "?sort=names.1",
      "?sort=names.2",
      "?sort=names.3",
    ]],
    ["&sort=names.2", [undefined, "ascending", undefined], ["?sort=names.1", "?", "?sort=names.3"]],
  ];
  for (const [query, sorts, links] of cases) {
    const elements = await elementsFor(query);
    const heads = elements.filter(({ attributes }) => attributes.scope === "col");
    assert.deepEqual(heads.map(({ attributes }) => attributes["aria-sort"]), sorts, query);
    const hrefs = elements.flatMap(({ attributes }) =>
      /^(.*)#table-names$/.exec(attributes.href ?? "")?.[1] ?? []
    );
    assert.deepEqual(hrefs, links, query);
  }
});

test("a table of one row has nothing to order, and its heads are no links", async () => {
  const elements = await elementsFor("", [{ ...TABLE, rows: TABLE.rows.slice(0, 1) }]);
  assert.deepEqual(elements.filter(({ attributes }) => attributes.href?.includes("sort")), []);
});

test("a large table is ordered before it is cut", async () => {
  const rows = Array.from({ length: 700 }, (_, index): Cell[] => [`name-${index}`, index, "x"]);
  const shown = await names("&sort=-names.2", [{ ...TABLE, rows }]);
  assert.deepEqual([shown.length, shown[0], shown.at(-1)], [500, "name-699", "name-200"]);
});

test("cells carry what the script compares them by, where their text does not say it", async () => {
  const rows: Cell[][] = [
    [1_234_567, { kind: "time", at: NOW }, { kind: "bytes", bytes: 4096 }],
    [null, { kind: "list", items: [] }, { kind: "state", state: "stale", tone: "warning" }],
    ["text", true, { kind: "ratio", ratio: NaN }],
  ];
  const elements = await elementsFor("", [{ ...TABLE, rows }]);
  const cells = elements.filter(({ tag, attributes }) => tag === "td" || attributes.scope === "row");
  assert.deepEqual(cells.map(({ attributes }) => attributes["data-value"]), [
    "1234567",
    String(NOW),
    "4096",
    "",
    "",
    "stale",
    undefined,
    undefined,
    "",
  ]);
});
