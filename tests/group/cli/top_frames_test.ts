import assert from "node:assert/strict";
import { test } from "node:test";

import { createRuntime, type Report, type Runtime } from "@ballast/runtime";
import { createMetaApp } from "@ballast/runtime/meta";
import { systemClock } from "../../../src/clock.ts";
import { createMetaClient } from "../../../src/group/cli/top/client.ts";
import { frameLines, maxScroll, pageLines } from "../../../src/group/cli/top/frame.ts";
import { lineWidth, paint } from "../../../src/group/cli/top/line.ts";
import { createPoller, type Poller } from "../../../src/group/cli/top/poll.ts";
import { initialState, missed, press, seen, type TopState } from "../../../src/group/cli/top/state.ts";

const SIZES = [[80, 24], [160, 48], [40, 8], [61, 13], [300, 100]] as const;
const NARROW = { columns: 80, rows: 24 };
const WIDE = { columns: 160, rows: 48 };
const NEVER = new AbortController().signal;

/** A service with a meta app, looked at without a network in between. */
async function look(
  body: (tools: { runtime: Runtime; poller: Poller; state: TopState }) => Promise<void>,
): Promise<void> {
  await using runtime = createRuntime({
    name: "shop",
    dns: { hosts: { "db.internal": ["10.0.0.4"] } },
    monitor: { pauseMs: 60_000 },
  });
  await runtime.ready();
  const meta = createMetaApp(runtime);
  const client = createMetaClient({
    url: new URL("http://127.0.0.1:8889"),
    timeoutMs: 5_000,
    clock: systemClock,
    fetch: (input, init) => Promise.resolve(meta.request(input as string, init)),
  });
  const state = initialState(client.url, 2_000, systemClock.now());
  await body({ runtime, poller: createPoller(client, systemClock), state });
}

function text(state: TopState, size: { columns: number; rows: number } = NARROW): string {
  return frameLines(state, size).map((line) => paint(line, false).trimEnd()).join("\n");
}

const NASTY: Report = {
  id: "queue",
  title: "Jobs \x1b]0;owned\x07 キュー",
  summary: "7 wait\r\nand \u202e more",
  facts: [
    { label: "A fact with a label that is longer than any label should be", value: "x".repeat(500) },
    { label: "Nothing", value: null },
    { label: "Size", value: { kind: "bytes", bytes: 5_000_000 } },
  ],
  machines: [{ id: "m", title: "Jobs by state", states: [{ state: "stuck", count: 3, tone: "bad" }] }],
  series: [{ id: "s", title: "Depth", unit: "1", points: [[systemClock.now() - 3_000, 4]] }],
  histograms: [{
    id: "h",
    title: "Took",
    unit: "ms",
    count: 2,
    buckets: [[1, 2, 2]],
    quantiles: [{ q: 0.99, value: 2 }],
  }],
  tables: [{
    id: "jobs",
    title: "Jobs",
    columns: ["Job", "作業", "Why", "Took"],
    rows: Array.from({ length: 300 }, (_, index) => [
      { kind: "details", key: `job-${index}` },
      "日本語の名前".repeat(5),
      null,
      { kind: "duration", ms: index },
    ]),
    empty: "None.",
  }],
  findings: [{
    id: "jobs-stuck",
    severity: "critical",
    title: "Jobs are stuck \x1b[31m",
    evidence: "3 of them ".repeat(40),
    likelyCause: "Somebody holds a lock.",
    remedy: "Find out who does.",
    since: systemClock.now() - 90_000,
  }],
};

test("the overview says what is wrong, the numbers, and every part, in 80 by 24", () =>
  look(async ({ runtime, poller, state }) => {
    const handle = runtime.overload.wrap(() => new Response("ok"));
    state = seen(state, await poller.poll([], NEVER));
    assert.match(text(state), /^ ● Nothing is wrong$/m);
    for (let each = 0; each < 50; each++) await handle(new Request("http://localhost/"));
    state = seen(state, await poller.poll([], NEVER));
    const frame = text(state);
    assert.match(frame, /^ shop {2}● ready {2}up .*● live$/m);
    assert.match(frame, /1 Overview {2}2 DNS/);
    for (const label of ["Load", "p50", "p99", "In flight", "Sheds", "Loop lag", "Processor", "Memory"]) {
      assert.match(frame, new RegExp(`^ ${label} `, "m"), label);
    }
    const rate = Number(/^ Load .*?([\d.,]+) \/s {2}requests$/m.exec(frame)?.[1]?.replace(",", ""));
    assert.ok(rate > 0, frame);
    assert.match(frame, /^ In flight .* 0 of \d+ {2}none waits$/m);
    assert.match(frame, /^ ● Connections +0 endpoints, 0 connections open/m);
    assert.match(frame, /q quit .*every 2 s/);
    // On a machine that is busy some are.
    const refused = runtime.overload.snapshot().refused.reduce((sum, { count }) => sum + count, 0);
    assert.equal(state.history.at(-1)?.shed, refused);
  }));

test("no line is wider than the screen, and none is missing, whatever a report says", () =>
  look(async ({ runtime, poller, state }) => {
    runtime.reports.add("queue", { report: () => NASTY });
    state = seen(state, await poller.poll(["queue"], NEVER));
    for (const view of ["", "queue", "dns", "no-such-report"]) {
      for (const isHelp of [false, true]) {
        for (const [columns, rows] of SIZES) {
          const lines = frameLines({ ...state, view, isHelp }, { columns, rows });
          assert.equal(lines.length, rows);
          for (const line of lines) {
            assert.ok(lineWidth(line) <= columns, `${columns}: ${paint(line, false)}`);
            // deno-lint-ignore no-control-regex
            assert.doesNotMatch(paint(line, false), /[\x00-\x1f\x7f-\x9f\u202e]/);
          }
        }
      }
    }
    assert.match(text(state, { columns: 20, rows: 4 }), /needs 40×8/);
  }));

test("findings come first, the worst of all, with evidence; each part shows its own in full", () =>
  look(async ({ runtime, poller, state }) => {
    runtime.reports.add("queue", { report: () => NASTY });
    state = seen(state, await poller.poll(["queue"], NEVER));
    const overview = text(state).split("\n");
    assert.match(overview[3]!, /^ ■ Jobs are stuck ␛\[31m +queue · 1 m 3\d s ago$/);
    assert.match(overview[4]!, /^ {3}3 of them .*…$/);
    assert.match(text(state, WIDE), / {2}■ Jobs ␛\]0;owned␇ キ… +7 wait␍␊and/);
    const own = text({ ...state, view: "queue" }, WIDE);
    for (
      const part of [
        /cause {3}Somebody holds a lock\./,
        /remedy {2}Find out who does\./,
        /stuck 3/,
        /4\.77 MiB/,
        /p99 2 ms/,
      ]
    ) {
      assert.match(own, part);
    }
    assert.match(own, /job-0 .*日本語/);
  }));

test("many findings leave room for the numbers", () =>
  look(async ({ runtime, poller, state }) => {
    const findings = Array.from({ length: 40 }, (_, index) => ({
      ...NASTY.findings![0]!,
      id: `f${index}`,
      title: `Jobs are stuck in queue ${index}`,
    }));
    runtime.reports.add("queue", { report: () => ({ ...NASTY, findings }) });
    state = seen(state, await poller.poll([], NEVER));
    assert.match(text(state), /… 35 more, each in the view of its part/);
    assert.match(text(state), /^ Memory /m);
    assert.equal(
      pageLines(state, 80).filter((line) => /Jobs are stuck/.test(paint(line, false))).length,
      40,
      "a page has no bottom",
    );
  }));

test("what several processes say alike is one finding", () =>
  look(async ({ runtime, poller, state }) => {
    const [finding] = NASTY.findings!;
    const findings = ["a", "b", "c"].map((id) => ({ ...finding!, id, title: "Jobs are stuck" }));
    runtime.reports.add("queue", { report: () => ({ ...NASTY, findings }) });
    state = seen(state, await poller.poll([], NEVER));
    assert.match(text(state), /■ Jobs are stuck \(×3\)/);
    assert.equal(text(state).match(/Jobs are stuck/g)?.length, 1);
  }));

test("a service that does not answer is shown as such, with what was seen before", () =>
  look(async ({ poller, state }) => {
    assert.match(text(state), /^ ballast top {2}http:\/\/127\.0\.0\.1:8889 .*○ connecting$/m);
    const early = missed(state, "connection refused", state.now);
    assert.match(text(early), /No answer from http:\/\/127\.0\.0\.1:8889/);
    assert.match(text(early), /connection refused\. Trying again\./);

    state = seen(state, await poller.poll([], NEVER));
    const lost = missed(
      missed(state, "connection refused", state.now),
      "no answer within 5000 ms",
      state.now + 12_000,
    );
    assert.match(text(lost), /■ no answer$/m);
    assert.match(text(lost), /No answer from .* for 12 s/);
    assert.match(text(lost), /no answer within 5000 ms\. Trying again; what follows is from before\./);
    assert.match(text(lost), /^ Memory /m);
    assert.match(text(seen(lost, await poller.poll([], NEVER))), /● live$/m);
  }));

test("keys step through views, scroll within what there is, pause, explain themselves and quit", () =>
  look(async ({ runtime, poller, state }) => {
    runtime.reports.add("queue", { report: () => NASTY });
    state = seen(state, await poller.poll(["queue"], NEVER));
    const after = (...keys: string[]) => keys.reduce((before, key) => press(before, key, 20)[0], state);
    assert.equal(after("tab").view, "dns");
    assert.equal(after("right", "right", "left").view, "dns");
    assert.equal(after("backtab").view, "queue", "from the first to the last");
    assert.equal(after("3").view, "connections");
    assert.equal(after("3", "0").view, "");
    assert.equal(after("3", "escape").view, "");
    assert.equal(press(state, "2", 20)[1], "look", "the report has to be read");
    assert.deepEqual(["q", "ctrl-c", "ctrl-z", "r"].map((key) => press(state, key, 20)[1]), [
      "quit",
      "quit",
      "suspend",
      "look",
    ]);
    assert.equal(after("p").isPaused, true);
    assert.match(text(after("p")), /▲ paused$/m);
    assert.equal(press(after("p"), "p", 20)[1], "look", "going on begins with a look");
    assert.match(text(after("?")), /Ctrl-Z +stop; fg goes on/);
    assert.equal(after("?", "x").isHelp, false);
    assert.equal(after("?", "2").view, "", "the key that leaves the help does nothing else");

    const queue = after("backtab");
    const end = { ...queue, scroll: press(queue, "end", 20)[0].scroll };
    assert.match(text(end), /↑ \d+/);
    assert.ok(maxScroll(queue, NARROW) > 100);
    assert.equal(press({ ...queue, scroll: 5 }, "up", 20)[0].scroll, 4);
    assert.equal(press(queue, "pageup", 20)[0].scroll, 0);
    assert.equal(press(queue, "pagedown", 20)[0].scroll, 20);
  }));

test("tabs that do not fit are found by going there", () =>
  look(async ({ poller, state }) => {
    state = seen(state, await poller.poll([], NEVER));
    assert.match(text(state).split("\n")[1]!, / ›$/);
    const last = text({ ...state, view: "monitor" }).split("\n")[1]!;
    assert.match(last, /^ ‹ .*Runtime monitor/);
  }));

test("what is no meta app, refuses or is broken becomes a sentence", async () => {
  const cases: [() => Response | Promise<Response>, RegExp][] = [
    [() => new Response("<html>"), /this is no meta app: its answer is no JSON/],
    [() => Response.json({ hello: 1 }), /this is no meta app: its first page says something else/],
    [() => new Response("", { status: 404 }), /this is no meta app: there is no page/],
    [
      () => new Response("", { status: 302, headers: { location: "http://elsewhere/" } }),
      /it redirects \(302\)/,
    ],
    [() => new Response("", { status: 401 }), /it asks for a token: --token, or BALLAST_META_TOKEN/],
    [() => new Response("", { status: 421 }), /refuses this host name/],
    [() => Response.json({ detail: "too many" }, { status: 503 }), /it answered 503: too many/],
    [() => new Promise<Response>(() => {}), /no answer within 50 ms/],
    [
      () => Promise.reject(new TypeError("error sending request: Connection refused (os error 111)")),
      /nothing listens there/,
    ],
    [
      () =>
        Promise.reject(
          new TypeError("fetch failed", {
            cause: Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" }),
          }),
        ),
      /cannot be resolved/,
    ],
  ];
  for (const [answer, message] of cases) {
    const client = createMetaClient({
      url: new URL("http://127.0.0.1:8889/"),
      timeoutMs: 50,
      clock: systemClock,
      fetch: (_, init) =>
        new Promise((resolve, reject) => {
          init?.signal?.addEventListener("abort", () => reject(init.signal!.reason));
          Promise.resolve(answer()).then(resolve, reject);
        }),
    });
    await assert.rejects(createPoller(client, systemClock).poll([], NEVER), message);
  }
});

test("pages of another version of Ballast lose what is not understood, and nothing else", async () => {
  const pages: Record<string, unknown> = {
    "/": {
      name: "shop",
      state: "molten",
      startedAt: "yesterday",
      reports: [{ id: "dns", title: "DNS" }, { id: 7 }, null],
      findings: [{ severity: "fatal", title: "New kind" }, "nonsense"],
    },
    "/dns": {
      report: {
        id: "dns",
        facts: [{ label: "Colour", value: { kind: "colour", hue: 3 } }, { label: 3 }, null],
        tables: [{ title: "T", columns: ["A"], rows: [[{ kind: "colour", hue: 3 }, "more"], []] }, {
          rows: 3,
        }],
        series: [{ title: "S", points: [[1]] }, 4],
        machines: [{ title: "M", states: [{ state: "new", count: 1, tone: "odd" }] }],
        histograms: [{ title: "H", buckets: [[1, 2]] }],
      },
    },
  };
  const client = createMetaClient({
    url: new URL("http://127.0.0.1:8889/"),
    timeoutMs: 1_000,
    clock: systemClock,
    fetch: (input) => Promise.resolve(Response.json(pages[new URL(String(input)).pathname] ?? {})),
  });
  let state = initialState(client.url, 2_000, systemClock.now());
  state = seen(state, await createPoller(client, systemClock).poll(["dns"], NEVER));
  assert.match(text(state), /molten/);
  assert.match(text(state), /New kind/);
  assert.match(text({ ...state, view: "dns" }), /"kind":"colour"/);
  assert.match(text({ ...state, view: "dns" }), /new 1/);
});
