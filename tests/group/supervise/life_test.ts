import assert from "node:assert/strict";
import process from "node:process";
import { rmSync } from "node:fs";
import { request as requestTls } from "node:https";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import {
  children,
  get,
  isFree,
  isRunning,
  load,
  processes,
  start,
  startOrphan,
  until,
  withService,
} from "./support.ts";

// Without overload control: on a busy machine it would refuse, and rightly.
const TWO = { workers: 2, heartbeatMs: 100, stuckMs: 30_000, overload: false };

test("children share a port: none gets less than half of its fair share of 1,000 connections", async () => {
  await withService({ ...TWO, workers: 3 }, async ({ port }) => {
    const counts = new Map<string, number>();
    let left = 1_000;
    await Promise.all(Array.from({ length: 8 }, async () => {
      while (left-- > 0) {
        const { body } = await get(port);
        counts.set(body, (counts.get(body) ?? 0) + 1);
      }
    }));
    assert.equal(counts.size, 3);
    for (const [pid, count] of counts) assert.ok(count > 1_000 / 3 / 2, `${pid} got ${count}`);
  });
});

test("SIGHUP replaces all children under load, one by one, and no request fails", async () => {
  await withService(TWO, async (program) => {
    const before = children(program);
    const under = load(program.port, { fresh: 4, kept: 4 });
    program.kill("SIGHUP");
    await until(
      () => program.lines.filter(({ type }) => type === "replaced").length === 2,
      "two replacements",
    );
    await until(
      () => children(program).every((pid) => under.answered.has(String(pid))),
      "answers of the new ones",
    );
    await under.stop();
    assert.deepEqual(under.failures, []);
    const after = children(program);
    assert.equal(after.length, 2);
    assert.deepEqual(after.filter((pid) => before.includes(pid)), []);
    const order = program.lines.filter(({ type }) => type === "replacing" || type === "replaced").map((
      { type },
    ) => type);
    assert.deepEqual(order, ["replacing", "replaced", "replacing", "replaced"], "one at a time");
  });
});

test("SIGTERM finishes what is under way, ends with code 0, and frees the port", async () => {
  await withService(TWO, async (program) => {
    const slow = Array.from({ length: 8 }, () => get(program.port, "/slow?ms=600"));
    await get(program.port);
    program.kill("SIGTERM");
    const answers = await Promise.all(slow);
    assert.deepEqual(answers.map(({ status }) => status), Array(8).fill(200));
    assert.deepEqual(await program.ended(), { code: 0, signal: null });
    const end = program.lines.find(({ type, role }) => type === "end" && role === "supervisor");
    assert.deepEqual([end?.reason, end?.signal], ["signal", "SIGTERM"]);
    assert.ok(await isFree(program.port));
    assert.deepEqual(children(program), []);
  });
});

test("what does not finish in time is cut, and a second signal waits for nothing", async () => {
  await withService({ ...TWO, drainTimeoutMs: 300 }, async (program) => {
    const cut = get(program.port, "/slow?ms=20000").then(() => "answered", () => "cut");
    await get(program.port);
    program.kill("SIGINT");
    assert.equal(await cut, "cut");
    assert.equal((await program.ended()).code, 0);
  });
  await withService(TWO, async (program) => {
    const cut = get(program.port, "/slow?ms=20000").then(() => "answered", () => "cut");
    await get(program.port);
    program.kill("SIGTERM");
    await program.line(({ type }) => type === "draining", "the drain");
    program.kill("SIGTERM");
    assert.equal(await cut, "cut");
    assert.equal((await program.ended()).code, 143);
  });
});

test("a child that is killed takes its own requests with it, and no others; another one takes its place", async () => {
  await withService(TWO, async (program) => {
    const slow = Array.from(
      { length: 6 },
      () => get(program.port, "/slow?ms=3000").then(({ body }) => Number(body), () => undefined),
    );
    const taken = () => program.lines.filter(({ type }) => type === "slow").map(({ pid }) => pid);
    await until(() => taken().length === 6, "six requests under way");
    const victim = taken()[0]!;
    const [other] = children(program).filter((pid) => pid !== victim);
    const under = load(program.port, { fresh: 4, kept: 0 });
    process.kill(victim, "SIGKILL");
    const served = await Promise.all(slow);
    assert.deepEqual(
      served.filter((pid) => pid !== undefined),
      taken().filter((pid) => pid !== victim),
      "what the other child had was answered",
    );
    await program.line(({ type }) => type === "crashed", "the crash");
    await until(() => children(program).length === 2, "the new child");
    const [fresh] = children(program).filter((pid) => pid !== other);
    await until(() => under.answered.has(String(fresh)), "an answer of the new child");
    await under.stop();
    assert.ok(under.failures.length <= 4, `at most one of each client was under way: ${under.failures}`);
  });
});

test("a child that is told to end is replaced first, and no request fails", async () => {
  await withService(TWO, async (program) => {
    const [first] = children(program) as [number];
    const under = load(program.port, { fresh: 4, kept: 2 });
    process.kill(first, "SIGTERM");
    await program.line(({ type }) => type === "replaced", "the replacement");
    await under.stop();
    assert.deepEqual(under.failures, []);
    assert.ok(!children(program).includes(first));
    assert.equal(program.lines.find(({ type }) => type === "crashed"), undefined);
  });
});

test("the supervisor killed: its children end by themselves, and the port is free", async () => {
  await withService(TWO, async (program) => {
    const left = children(program);
    assert.equal(left.length, 2);
    program.kill("SIGKILL");
    await program.ended();
    await until(() => left.every((pid) => !isRunning(pid)), "the end of the children", 10_000);
    assert.ok(await isFree(program.port));
  });
});

test("the supervisor killed while a child is stuck: that child ends as well", async () => {
  await withService({ ...TWO, stuckMs: 60_000 }, async (program) => {
    const left = children(program);
    const stuck = get(program.port, "/stuck").then(() => "answered", () => "failed");
    await program.line(({ type }) => type === "stuck here", "the loop");
    program.kill("SIGKILL");
    await program.ended();
    await until(() => left.every((pid) => !isRunning(pid)), "the end of the children", 10_000);
    assert.equal(await stuck, "failed");
    assert.ok(await isFree(program.port));
  });
});

test("a child whose supervisor ended while it was starting ends as well, and is no supervisor itself", async () => {
  for (const orphaned of [true, false]) {
    const program = startOrphan({ ...TWO, orphaned });
    try {
      await program.ended();
      // Told of it late, it may have served for a moment, as a child.
      const lines = program.lines.filter(({ type }) => type === "started" || type === "serving");
      assert.deepEqual(orphaned ? lines : lines.filter(({ role }) => role !== "child"), []);
    } finally {
      for (const pid of processes(program)) if (isRunning(pid)) process.kill(pid, "SIGKILL");
    }
  }
});

test("a child that is stuck is killed and replaced, while the other serves", async () => {
  await withService({ ...TWO, stuckMs: 2_000 }, async (program) => {
    const stuck = get(program.port, "/stuck").then(() => "answered", () => "failed");
    for (let sent = 0; sent < 5; sent++) assert.equal((await get(program.port)).status, 200);
    const { child, silentMs } = await program.line(({ type }) => type === "stuck", "the stuck child");
    assert.ok((silentMs as number) >= 2_000);
    const { how } = await program.line((line) => line.type === "crashed" && line.child === child, "its end");
    assert.match(String(how), /^was killed: it was stuck: no heartbeat for \d+ ms$/);
    assert.equal(await stuck, "failed");
    await until(() => children(program).length === 2, "the new child");
  });
});

test("children that cannot start: the group gives up, with their own words and a code for the shell", async () => {
  for (
    const [broken, words] of [
      ["throws", /the database has no table of orders/],
      ["exits", /fatal: no licence was found/],
    ] as const
  ) {
    const program = start({ ...TWO, broken });
    const { code } = await program.ended();
    assert.equal(code, 1);
    assert.match(
      program.stderr,
      /the group gave up: 5 children (crashed within 10 s|in a row could not start)/,
    );
    assert.match(program.stderr.slice(program.stderr.indexOf("the group gave up")), words);
    const waits = program.lines.filter(({ type }) => type === "crashed").map((line) => line.restartInMs);
    assert.deepEqual(waits, [100, 200, 400, 800, 0]);
  }
});

test("TLS and unix sockets are shared as well", async () => {
  const pem = (name: string) => fileURLToPath(new URL(`../../support/certificates/${name}`, import.meta.url));
  const tls = { cert: pem("server.pem"), key: pem("server.key") };
  await withService({ ...TWO, apps: [{ tls }] }, async (program) => {
    const seen = new Set<string>();
    for (let sent = 0; sent < 4; sent++) {
      seen.add(
        await body((done) =>
          requestTls({ host: "127.0.0.1", port: program.port, agent: false, rejectUnauthorized: false }, done)
        ),
      );
    }
    assert.deepEqual([...seen].map(Number).sort(), children(program).sort());
    program.kill("SIGTERM");
    assert.equal((await program.ended()).code, 0);
  });

  const path = join(tmpdir(), `ballast-group-${process.pid}.sock`);
  try {
    await withService({ ...TWO, apps: [{ path }] }, async (program) => {
      const seen = new Set<string>();
      for (let sent = 0; sent < 4; sent++) {
        seen.add(await body((done) => request({ socketPath: path, agent: false }, done)));
      }
      assert.deepEqual([...seen].map(Number).sort(), children(program).sort());
    });
  } finally {
    rmSync(path, { force: true });
  }
});

/** The body of what a request is answered with. */
function body(send: (done: (response: IncomingMessage) => void) => ClientRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = send((response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (more: string) => text += more);
      response.on("end", () => resolve(text));
    });
    sent.on("error", reject).setTimeout(10_000, () => sent.destroy(new Error("no answer came"))).end();
  });
}
