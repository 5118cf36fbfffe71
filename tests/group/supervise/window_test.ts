import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";

import { children, get, getJson, until, withService } from "./support.ts";

const WATCHED = { workers: 2, heartbeatMs: 100, stuckMs: 30_000, overload: false, meta: { port: 0 } };

/** The value of a counter on `/metrics`. */
async function counter(metaPort: number, name: string): Promise<number> {
  const { body } = await get(metaPort, "/metrics");
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(body)?.[1] ?? 0);
}

test("the statistics are those of all children, and what a replaced child counted stays counted", async () => {
  await withService(WATCHED, async (program) => {
    for (let sent = 0; sent < 60; sent++) await get(program.port);
    const all = () => counter(program.metaPort, "ballast_test_hits_total");
    await until(async () => await all() === 60, "all 60 requests");
    program.kill("SIGHUP");
    await until(() => program.lines.filter(({ type }) => type === "replaced").length === 2, "new children");
    assert.equal(await all(), 60);
    for (let sent = 0; sent < 10; sent++) await get(program.port);
    await until(async () => await all() === 70, "10 more");
    const { report } = await getJson(program.metaPort, "/stats");
    assert.equal(report.id, "stats");
  });
});

test("the window shows the group, each child, and each part in all of them", async () => {
  await withService(WATCHED, async ({ metaPort, port }) => {
    await get(port);
    let overview = await getJson(metaPort, "/");
    await until(async () => {
      overview = await getJson(metaPort, "/");
      return overview.reports.some(({ id }: { id: string }) => id === "overload");
    }, "the reports of the children");
    assert.equal(overview.state, "ready");
    const ids = overview.reports.map(({ id }: { id: string }) => id);
    assert.deepEqual(ids.slice(0, 3), ["group", "overload", "servers"]);

    const { report: group } = await getJson(metaPort, "/group");
    assert.equal(group.summary, "2 of 2 children ready");
    const table = group.tables.find(({ id }: { id: string }) => id === "children");
    assert.equal(table.rows.length, 2);

    const { report: overload } = await getJson(metaPort, "/overload");
    assert.equal(overload.tables[0].rows.length, 2);
    const { path } = overload.tables[0].rows[0][0];
    assert.equal(path, "/child-1-overload");
    assert.match((await getJson(metaPort, path)).report.title, /^Child 1: /);

    const { report: details } = await getJson(metaPort, "/group/1");
    assert.equal(details.title, "Child 1");
    assert.ok(details.series[0].points.length > 0, "its memory curve");
    assert.equal((await get(metaPort, "/group/77")).status, 404);
    assert.equal((await get(metaPort, "/child-1-supervisor")).status, 404);
  });
});

test("pages answer at once though a child is stuck, and say so", async () => {
  await withService(WATCHED, async (program) => {
    await getJson(program.metaPort, "/");
    get(program.port, "/stuck").catch(() => {});
    let findings: { id: string }[] = [];
    let slowestMs = 0;
    await until(async () => {
      const startedAt = performance.now();
      findings = (await getJson(program.metaPort, "/group")).report.findings;
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      return findings.some(({ id }) => /^child-\d+-silent$/.test(id));
    }, "a finding about the silent child");
    assert.ok(slowestMs < 1_000, `the slowest page took ${slowestMs} ms`);
  });
});

test("a dead child is gone from the window, and the crash is a finding", async () => {
  await withService(WATCHED, async (program) => {
    process.kill(children(program)[0]!, "SIGKILL");
    await program.line(({ type }) => type === "crashed", "the crash");
    await until(
      async () => (await getJson(program.metaPort, "/group")).report.summary === "2 of 2 children ready",
      "both",
    );
    const { findings } = await getJson(program.metaPort, "/");
    assert.ok(
      findings.some(({ id, report }: { id: string; report: string }) =>
        id === "children-crash" && report === "group"
      ),
    );
  });
});

test("actions reach the children: on the page of a part all of them, on that of a child it alone", async () => {
  const token = "token-of-the-test";
  await withService({ ...WATCHED, meta: { port: 0, token } }, async (program) => {
    const origin = `http://127.0.0.1:${program.metaPort}`;
    const post = async (path: string, fields: Record<string, string> = {}) => {
      const response = await fetch(`${origin}${path}`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${token}`,
          origin,
          "content-type": "application/json",
          accept: "application/json",
        },
        body: JSON.stringify(fields),
      });
      return { status: response.status, body: await response.text() };
    };
    const read = async (path: string) => {
      const response = await fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${token}` } });
      return await response.text();
    };
    await until(
      async () => (await read("/?format=json")).includes("/overload"),
      "the reports of the children",
    );
    const reset = await post("/stats/actions/reset");
    assert.equal(reset.status, 200, reset.body);
    assert.match(reset.body, /"1"[^]*"series"[^]*"2"/);
    const one = await post("/child-1-stats/actions/reset");
    assert.equal(one.status, 200, one.body);
    const replace = await post("/group/actions/replace", { child: "1" });
    assert.equal(replace.status, 200, replace.body);
    assert.equal((await program.line(({ type }) => type === "replaced", "the replacement")).child, 1);
    assert.notEqual((await post("/group/actions/explode")).status, 200);
  });
});
