import assert from "node:assert/strict";
import { test } from "node:test";

import { Recycler } from "../../../src/group/recycling.ts";
import { RestartBrake } from "../../../src/group/restart_brake.ts";
import { simulatedClock } from "@ballast/runtime/testing";
import { children, get, getJson, load, until, withService } from "./support.ts";

const TWO = { workers: 2, heartbeatMs: 100, stuckMs: 5_000, overload: false };
const MIB = 2 ** 20;
const calm = { heapBytes: 0, inFlight: 0, connections: 0, lagMs: 0 };

test("memory has to stay above the limit, unless it is far above", () => {
  const recycler = new Recycler({ maxMemoryBytes: 100 * MIB }, 0, () => 0);
  const check = (mib: number) => recycler.check({ ...calm, rssBytes: mib * MIB, requests: 0 }, 0)?.why;
  assert.deepEqual([110, 110, 90, 110, 110].map(check), Array(5).fill(undefined));
  assert.equal(check(110), "memory");
  assert.equal(
    new Recycler({ maxMemoryBytes: 100 * MIB }, 0, () => 0).check(
      { ...calm, rssBytes: 130 * MIB, requests: 0 },
      0,
    )?.text,
    "130 MiB of at most 100 MiB",
  );
});

test("age and requests end a child, and chance lowers its limits by a tenth at most", () => {
  const at = (random: number, requests: number, ageMs: number) =>
    new Recycler({ maxRequests: 100, maxAgeMs: 1_000 }, 0, () => random)
      .check({ ...calm, rssBytes: 0, requests }, ageMs)?.why;
  assert.deepEqual([at(0, 99, 0), at(0, 100, 0), at(1, 89, 0), at(1, 90, 0)], [
    undefined,
    "requests",
    undefined,
    "requests",
  ]);
  assert.deepEqual([at(0, 0, 999), at(0, 0, 1_000), at(1, 0, 899), at(1, 0, 900)], [
    undefined,
    "age",
    undefined,
    "age",
  ]);
});

test("the brake lets crashes far apart go on for ever, and gives up at the fifth within ten seconds", async () => {
  const clock = simulatedClock();
  const brake = new RestartBrake(clock);
  for (let crash = 0; crash < 20; crash++) {
    assert.equal(brake.crashed(true).type, "wait");
    await clock.advance(2_600);
  }
  await clock.advance(20_000);
  const after = Array.from({ length: 5 }, () => brake.crashed(true));
  assert.deepEqual(after.map((one) => one.type === "wait" ? one.ms : one.type), [
    100,
    200,
    400,
    800,
    "give up",
  ]);
});

test("children that take longer to fail than the brake looks back end the group all the same", async () => {
  const clock = simulatedClock();
  const brake = new RestartBrake(clock);
  const types: string[] = [];
  for (let crash = 0; crash < 5; crash++) {
    await clock.advance(30_000);
    types.push(brake.crashed(false).type);
  }
  assert.deepEqual(types, ["wait", "wait", "wait", "wait", "give up"]);
});

test("a child whose memory grows is replaced before it hurts: no request fails, and the log says why", async () => {
  await withService({ ...TWO, maxMemoryBytes: 200 * MIB, meta: { port: 0 } }, async (program) => {
    const under = load(program.port, { fresh: 2, kept: 2 }, "/leak?mib=1");
    const replacing = await program.line(({ type }) => type === "replacing", "a replacement");
    await program.line(({ type }) => type === "replaced", "its end");
    await under.stop();
    assert.deepEqual(under.failures, []);
    assert.equal(replacing.why, "memory");
    assert.match(String(replacing.text), /^\d+ MiB of at most \d+ MiB$/);
    const curve = replacing.rssMebibytes as number[];
    assert.ok(curve.length > 2 && curve.at(-1)! > curve[0]!, `a memory curve that grows: ${curve}`);
    const { report } = await getJson(program.metaPort, "/group");
    assert.match(JSON.stringify(report.facts), /\d for memory/);
  });
});

test("children are replaced by their requests and by their age, never all at once", async () => {
  await withService({ ...TWO, maxRequests: 40 }, async (program) => {
    const before = children(program);
    for (let sent = 0; sent < 90; sent++) await get(program.port);
    await until(
      () => program.lines.filter(({ type }) => type === "replaced").length >= 2,
      "two replacements",
    );
    assert.deepEqual(children(program).filter((pid) => before.includes(pid)), []);
    assert.equal(program.lines.find(({ type }) => type === "replacing")?.why, "requests");
  });
  await withService({ ...TWO, maxAgeMs: 1_000 }, async (program) => {
    const { why } = await program.line(({ type }) => type === "replacing", "a replacement");
    assert.equal(why, "age");
  });
});
