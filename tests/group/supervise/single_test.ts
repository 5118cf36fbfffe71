import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";

import { BallastError, createRuntime, currentContext } from "@ballast/runtime";
import { createGroup, type GroupOptions } from "@ballast/runtime/group";
import { readMessage } from "../../../src/group/messages.ts";
import { get, getJson, start, withService } from "./support.ts";

const web = { name: "web", hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello") };
const quiet = { signals: false, apps: [web] } satisfies GroupOptions;

test("one process serves, shows itself, and ends", async () => {
  const group = createGroup({ ...quiet, name: "shop", meta: { port: 0 }, health: true });
  const end = group.serve();
  const [listener] = await group.ready();
  assert.equal(group.role, "single");
  assert.equal((await get(listener!.port!)).body, "hello");
  assert.equal((await get(listener!.port!, "/readyz")).body, "ready\n");
  assert.equal((await get(listener!.port!, "/livez?x=1")).status, 200);
  const overview = await getJson(group.snapshot().meta!.port!, "/");
  assert.deepEqual([overview.name, overview.state], ["shop", "ready"]);
  await assert.rejects(group.restart(), { code: "UNSUPPORTED" });
  await group.close();
  assert.deepEqual(await end, { reason: "closed", signal: undefined, finished: 0, cut: 0 });
  assert.equal(group.state, "closed");
  await assert.rejects(get(listener!.port!), { code: "ECONNREFUSED" });
  await group.close();
});

test("a request passes its context, overload control, and then the app", async () => {
  const seen: unknown[] = [];
  await using group = createGroup({
    ...quiet,
    requests: { deadlineMs: 5_000 },
    apps: [{
      ...web,
      fetch: () => {
        seen.push(currentContext()?.remainingMs! <= 5_000, group.runtime.overload.snapshot().inFlight);
        return new Response();
      },
    }],
  });
  const [listener] = await group.ready();
  await get(listener!.port!);
  assert.deepEqual(seen, [true, 1]);
});

test("readiness asks the program, and fails while the group drains", async () => {
  let answer: () => boolean | Promise<boolean> = () => true;
  let release = () => {};
  const group = createGroup({
    ...quiet,
    health: () => answer(),
    apps: [{ ...web, fetch: () => new Promise((resolve) => release = () => resolve(new Response("late"))) }],
  });
  const [listener] = await group.ready();
  const readyz = () => get(listener!.port!, "/readyz");
  assert.equal((await readyz()).status, 200);
  answer = () => false;
  assert.deepEqual(await readyz(), { status: 503, body: "check failed\n" });
  answer = () => Promise.reject(new Error("no database"));
  assert.equal((await readyz()).status, 503);
  const late = get(listener!.port!, "/");
  while (group.runtime.overload.snapshot().inFlight === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const closed = group.close();
  assert.equal(group.state, "closing");
  release();
  assert.equal((await late).body, "late", "what was under way is finished");
  await closed;
});

test("a taken port is one line that says what to do, in one process and in a supervisor", async () => {
  const holder = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => holder.once("listening", resolve));
  const { port } = holder.address() as { port: number };
  try {
    const group = createGroup({ ...quiet, apps: [{ ...web, port }] });
    await assert.rejects(group.serve(), (error: unknown) => {
      assert.match((error as Error).message, new RegExp(`web.*${port}`));
      return true;
    });
    const program = start({ workers: 2, apps: [{ port }] });
    assert.equal((await program.ended()).code, 1);
    assert.match(
      program.stderr,
      new RegExp(`cannot listen on "web" \\(127.0.0.1:${port}\\): it is taken: [^\\n]+\\n`),
    );
    assert.deepEqual(program.lines.filter(({ type }) => type === "started"), [], "no child was started");
  } finally {
    holder.close();
  }
});

test("a runtime that was given is used, and outlives the group", async () => {
  await using runtime = createRuntime({ name: "given" });
  const group = createGroup({ ...quiet, runtime });
  assert.equal(group.name, "given");
  await group.ready();
  assert.ok(runtime.reports.ids.includes("group"));
  await group.close();
  assert.equal(runtime.state, "ready");
  assert.ok(!runtime.reports.ids.includes("group"));
});

test("recycling that was asked for and cannot be done is said", async () => {
  await using group = createGroup({ ...quiet, maxRequests: 10 });
  const [finding] = group.report().findings!;
  assert.equal(finding?.id, "recycling-unsupported");
});

test("options that make no sense are refused, with what was given", () => {
  const refused: [Partial<GroupOptions>, RegExp][] = [
    [{ apps: [] }, /needs something to serve/],
    [{ workers: -1 }, /workers must be a number from 0 to 1024, got -1/],
    [{ workers: 1.5 }, /workers must be a whole number, got 1.5/],
    [{ maxMemoryBytes: 300 }, /maxMemoryBytes must be a number >= 1048576, got 300/],
    [{ heartbeatMs: 1_000, stuckMs: 500 }, /stuckMs must be a number from 2000/],
    [{ restarts: { crashes: 0 } }, /restarts.crashes must be/],
    [{ apps: [{ fetch: "hello" as never }] }, /an app must have a fetch/],
  ];
  for (const [options, text] of refused) assert.throws(() => createGroup({ ...quiet, ...options }), text);
});

test("where there are no processes a group says so", () => {
  const { platform } = createRuntime();
  assert.throws(
    () => createGroup({ ...quiet, platform: { ...platform, name: "edge", processes: undefined } }),
    (error: unknown) =>
      error instanceof BallastError && error.code === "UNSUPPORTED" && /edge/.test(error.message),
  );
});

test("messages that are not of the protocol are left alone", () => {
  const strange: unknown[] = [undefined, null, 7, "x", {}, { ballast: null }, {
    ballast: { type: "toString" },
  }, {
    ballast: { type: "took", id: "1" },
  }, { ballast: { type: "act", id: 1, report: "dns", action: "x", args: null } }];
  assert.deepEqual(strange.map(readMessage), strange.map(() => undefined));
  assert.deepEqual(readMessage({ ballast: { type: "took", id: 1 } }), { type: "took", id: 1 });
});

test("a program ends by itself once its group is closed, in one process and with children", async () => {
  for (const workers of [0, 2]) {
    await withService({ workers }, async (program) => {
      program.kill("SIGTERM");
      assert.deepEqual(await program.ended(), { code: 0, signal: null });
    });
  }
});
