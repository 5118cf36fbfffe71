import assert from "node:assert/strict";
import { test } from "node:test";

import { type Cell, createMetaApp, type Report } from "@ballast/runtime/meta";
import { type Element, fakeRuntime, NOW, parse } from "./support.ts";

async function render(report: Report): Promise<readonly Element[]> {
  const response = await createMetaApp(fakeRuntime([report])).request(`/${report.id}?format=html`);
  assert.equal(response.status, 200);
  return parse(await response.text());
}

function table(rows: readonly (readonly Cell[])[], columns: readonly string[] = ["Value"]): Report {
  return { id: "r", title: "R", tables: [{ id: "t", title: "T", columns, rows, empty: "nothing yet" }] };
}

/** The elements of the only cell of a table: the cell first, then what it holds. */
async function cellElements(cell: Cell): Promise<readonly Element[]> {
  const elements = await render(table([[cell]]));
  const start = elements.findIndex(({ tag, attributes }) => tag === "th" && attributes.scope === "row");
  return elements.slice(start, elements.findIndex(({ tag }) => tag === "footer"));
}

test("every kind of cell is written as people read it", async () => {
  const cases: [Cell, string][] = [
    ["text", "text"],
    [1234567, "1,234,567"],
    [true, "yes"],
    [false, "no"],
    [null, "–"],
    [{ kind: "duration", ms: 1.24 }, "1.24 ms"],
    [{ kind: "time", at: NOW - 12_000 }, "12 s ago"],
    [{ kind: "time", at: NaN }, "n/a"],
    [{ kind: "bytes", bytes: 13_000_000 }, "12.4 MiB"],
    [{ kind: "ratio", ratio: 0.123 }, "12.3%"],
    [{ kind: "state", state: "fresh", tone: "good" }, "fresh"],
    [{ kind: "state", state: "old", tone: "neutral" }, "old"],
    [{ kind: "state", state: "stale", tone: "warning" }, "warning: stale"],
    [{ kind: "state", state: "failed", tone: "bad" }, "bad: failed"],
    [{ kind: "list", items: ["10.0.0.1", "::1"] }, "10.0.0.1::1"],
    [{ kind: "list", items: [] }, "none"],
    [{ kind: "link", text: "all", path: "/stats" }, "all"],
    [{ kind: "new", of: "later" } as unknown as Cell, '{"kind":"new","of":"later"}'],
  ];
  for (const [cell, text] of cases) assert.equal((await cellElements(cell))[0]!.text, text);
});

test("a cell says what it is in its markup", async () => {
  const [, time] = await cellElements({ kind: "time", at: NOW - 12_000 });
  const iso = "2025-12-31T23:59:48.000Z";
  assert.deepEqual([time!.tag, time!.attributes], ["time", { class: "ago", datetime: iso, title: iso }]);
  const state = await cellElements({ kind: "state", state: "stale", tone: "warning" });
  assert.deepEqual(state.map(({ attributes }) => attributes.class), [
    undefined,
    "unseen",
    "chip warning",
    "word",
  ]);
  const [, link] = await cellElements({ kind: "link", text: "all", path: "/stats?a=1&b=2#c" });
  assert.deepEqual([link!.tag, link!.attributes.href], ["a", "/stats?a=1&b=2#c"]);
  const [duration] = await cellElements({ kind: "duration", ms: 1 });
  assert.equal(duration!.attributes.class, "number");
});

test("cells stay typed data in the JSON", async () => {
  const report = table([[
    { kind: "duration", ms: 1.24 },
    { kind: "state", state: "stale", tone: "warning" },
    null,
  ]]);
  const response = await createMetaApp(fakeRuntime([report])).request("/r");
  assert.deepEqual(await response.json(), { report });
});

test("a link that leads out of the meta app is text", async () => {
  const paths = [
    "https://evil.example/",
    "//evil.example/",
    "/\t/evil.example/",
    "/\\evil.example",
    "/.//evil.example",
    "/x/..//evil.example",
    "javascript:alert(1)",
    "dns",
    "",
  ];
  for (const path of paths) {
    const elements = await cellElements({ kind: "link", text: "all", path });
    assert.deepEqual(elements.map(({ tag, text }) => [tag, text]), [["th", "all"]], path);
  }
});

const HOSTILE = [
  "<script>alert(1)</script>",
  '"onload="alert(1)',
  "' onmouseover='alert(1)",
  "</style></title></td><img src=x onerror=alert(1)>",
  "<!--",
  "&lt;b&gt;&#x3c;",
  "${alert(1)}",
  "x".repeat(300),
];

test("a hostile text is text wherever a report can hold one", async () => {
  for (const text of HOSTILE) {
    const cells: Cell[] = [
      text,
      { kind: "state", state: text, tone: "bad" },
      { kind: "state", state: "x", tone: text as "bad" },
      { kind: "list", items: [text] },
      { kind: "link", text, path: `/${text}` },
      { kind: text } as unknown as Cell,
    ];
    const elements = await render({
      id: "r",
      title: text,
      summary: text,
      facts: [{ label: text, value: text, hint: text }],
      tables: [
        { id: text, title: text, columns: cells.map(() => text), rows: [cells], empty: text },
        { id: "empty", title: "Empty", columns: [], rows: [], empty: text },
      ],
      series: [{ id: text, title: text, unit: text, points: [[NOW, 1]] }],
      machines: [{ id: text, title: text, states: [{ state: text, count: 1, tone: text as "bad" }] }],
      actions: [{ id: text, label: text, fields: [{ name: text, label: text }] }],
      findings: [{
        id: text,
        severity: text as "info",
        title: text,
        evidence: text,
        likelyCause: text,
        remedy: text,
        since: NOW,
      }],
    });
    // parse() fails on any text that became markup; here is that none was lost or turned into an element.
    assert.deepEqual(elements.filter(({ tag }) => ["script", "img", "b"].includes(tag)), []);
    assert.deepEqual(
      elements.filter(({ attributes }) => Object.keys(attributes).some((name) => /^on/.test(name))),
      [],
    );
    assert.equal(elements.find(({ tag }) => tag === "h1")!.text, text);
    assert.equal(elements.filter(({ text: found }) => found === text).length > 15, true);
  }
});

test("a hostile name of the service is text, too", async () => {
  for (const name of HOSTILE) {
    const page = await (await createMetaApp(fakeRuntime([], { name })).request("/?format=html")).text();
    assert.equal(parse(page).find(({ tag }) => tag === "title")!.text, `Overview · ${name}`);
  }
});

test("characters that hide or turn text are spelled out, line breaks and joiners stay", async () => {
  const cases = [
    ["a\u202egnp.exe", "a⟨U+202E⟩gnp.exe"],
    ["\u0000\u0007\u001b[31m\u007f\u0085", "⟨U+0000⟩⟨U+0007⟩⟨U+001B⟩[31m⟨U+007F⟩⟨U+0085⟩"],
    ["\u200b\u2066\u2069\ufeff\u2028", "⟨U+200B⟩⟨U+2066⟩⟨U+2069⟩⟨U+FEFF⟩⟨U+2028⟩"],
    ["one\ttwo\nthree", "one\ttwo\nthree"],
    ["می\u200cخواهم 👩\u200d💻", "می\u200cخواهم 👩\u200d💻"],
  ];
  for (const [text, shown] of cases) assert.equal((await cellElements(text!))[0]!.text, shown);
});

test("a look-alike of finished markup out of JSON is not taken for it", async () => {
  const fake = JSON.parse('{"isEscaped":true,"callbacks":[],"length":3}');
  const elements = await render({ id: "r", title: "R", summary: fake as string });
  assert.ok(
    elements.find(({ attributes }) => attributes.class === "summary")!.text.startsWith("[object Object]"),
  );
});

test("texts and lists too long for a page are cut, and the cut is told", async () => {
  const [cell] = await cellElements("x".repeat(12_000));
  assert.match(cell!.text, /^x{2000}… \(10000 more characters in the JSON\)$/);
  const items = Array.from({ length: 80 }, (_, index) => `item-${index}`);
  const list = await cellElements({ kind: "list", items });
  assert.equal(list.filter(({ tag }) => tag === "li").length, 51);
  assert.match(list[0]!.text, /30 more in the JSON$/);
});

test("the first 500 rows of a large table are shown, and how many there are", async () => {
  const rows = Array.from({ length: 1234 }, (_, index) => [`name-${index}`]);
  const report: Report = { id: "r", title: "R", tables: [{ ...table(rows).tables![0]!, omitted: 40 }] };
  const elements = await render(report);
  assert.equal(elements.filter(({ attributes }) => attributes.scope === "row").length, 500);
  const heading = elements.find(({ attributes }) => attributes.id === "table-t-title")!;
  assert.equal(
    heading.text,
    "T the first 500 of 1234 rows, all are in the JSON; 40 more left out by the report",
  );
  const response = await createMetaApp(fakeRuntime([report])).request("/r");
  assert.equal((await response.json()).report.tables[0].rows.length, 1234);
});

test("a table has a caption, scoped heads and a box that a keyboard can scroll; an empty one says so", async () => {
  const elements = await render(table([["db", 7], ["cache", null]], ["Name", "Count"]));
  const tags = (tag: string) => elements.filter((element) => element.tag === tag);
  assert.deepEqual(tags("caption").map(({ text }) => text), ["T"]);
  assert.deepEqual(tags("th").map(({ attributes }) => attributes.scope), ["col", "col", "row", "row"]);
  const box = elements.find(({ attributes }) => attributes.class === "scroll")!;
  assert.deepEqual(box.attributes, {
    class: "scroll",
    role: "region",
    tabindex: "0",
    "aria-labelledby": "table-t-title",
  });
  assert.deepEqual(tags("td").map(({ attributes }) => attributes.class), ["number", "number"]);
  const empty = await render(table([]));
  assert.equal(empty.filter(({ tag }) => tag === "table").length, 0);
  assert.ok(empty.find(({ tag }) => tag === "main")!.text.includes("nothing yet"));
});

test("every part of a report is shown, in the order in which trouble is read", async () => {
  const elements = await render({
    id: "dns",
    title: "DNS cache",
    summary: "2 names",
    facts: [{ label: "Lookups", value: 7, hint: "since the start" }],
    machines: [{
      id: "names",
      title: "Names by state",
      states: [{ state: "fresh", count: 3, tone: "good" }, { state: "stale", count: 1, tone: "warning" }],
    }],
    series: [{
      id: "rate",
      title: "Lookups a second",
      unit: "1",
      points: [[NOW - 60_000, 1], [NOW - 1_000, 5]],
    }],
    tables: table([["db"]]).tables,
    actions: [{ id: "refresh", label: "Refresh a name", fields: [{ name: "name", label: "which" }] }],
    findings: [
      { id: "a", severity: "info", title: "A", evidence: "", likelyCause: "", remedy: "" },
      { id: "b", severity: "critical", title: "B", evidence: "", likelyCause: "", remedy: "" },
    ],
  });
  assert.deepEqual(elements.filter(({ tag }) => /^h\d$/.test(tag)).map(({ text }) => text), [
    "DNS cache",
    "Findings",
    "critical B",
    "info A",
    "Facts",
    "Names by state 4 in all",
    "Over time",
    "T",
    "Actions",
  ]);
  const text = elements.find(({ tag }) => tag === "main")!.text;
  for (const shown of ["2 names", "since the start", "75%", "2 values in 59 s", "the last 1 s ago"]) {
    assert.ok(text.includes(shown), shown);
  }
  assert.ok(text.includes('runtime.reports.act("dns", "refresh", { name })'));
  assert.deepEqual(elements.filter(({ tag }) => ["form", "button", "input", "script"].includes(tag)), []);
  const current = elements.filter(({ attributes }) => attributes["aria-current"] === "page");
  assert.deepEqual(current.map(({ text }) => text), ["dns"]);
});

test("a bar shows the shares of the states, none when there is nobody", async () => {
  const machine = (...counts: number[]): Report => ({
    id: "r",
    title: "R",
    machines: [{
      id: "m",
      title: "M",
      states: counts.map((count) => ({ state: "s", count, tone: "good" as const })),
    }],
  });
  const bars = (await render(machine(1, 0, 3))).filter(({ tag }) => tag === "rect");
  assert.deepEqual(bars.map(({ attributes }) => [attributes.x, attributes.width]), [["0", "250"], [
    "250",
    "0",
  ], [
    "250",
    "750",
  ]]);
  assert.deepEqual((await render(machine(0, 0))).filter(({ tag }) => tag === "rect"), []);
});
