import assert from "node:assert/strict";
import { test } from "node:test";

import { createRuntime } from "@ballast/runtime";
import { staticResolver } from "@ballast/runtime/dns";
import { checkTopology, problemText } from "@ballast/runtime/topology";
import { simulatedClock } from "@ballast/runtime/testing";
import { detectPlatform } from "../../src/platform/detect.ts";
import { createSimulatedNet } from "../support/simulated_net.ts";

const check = (document: Record<string, unknown>) => {
  const checked = checkTopology(JSON.stringify({ schema: 1, version: "1", ...document }));
  return checked.ok ? [] : checked.problems.map(problemText);
};

test("endpoints and aliases are checked, each problem with its place", () => {
  assert.deepEqual(
    check({ endpoints: { db: { tiers: [["a.test:5432"], ["[::1]:5432"]] } }, aliases: { x: "db" } }),
    [],
  );
  assert.deepEqual(check({ endpoints: [] }), ["endpoints: must be an object of names, got an array"]);
  const problems = check({
    endpoints: { db: { tiers: [["nowhere"]] }, "a:1": { tiers: [["b:1"]] }, fine: { tiers: [["b:1"]] } },
    aliases: { x: "db2", fine: "fine", n: 3 },
  });
  assert.deepEqual(problems.map((problem) => problem.split(":")[0]), [
    `endpoints["db"]`,
    `endpoints["a`,
    `aliases["x"]`,
    `aliases["fine"]`,
    `aliases["n"]`,
  ]);
});

test("a document moves the traffic, names resolved before; a bad one changes nothing", async () => {
  const clock = simulatedClock();
  const network = createSimulatedNet(clock);
  const platform = { ...detectPlatform(), clock, net: network.net };
  let document: unknown = {
    schema: 1,
    version: "1",
    hosts: { "db.test": ["10.0.0.1"] },
    endpoints: { db: { tiers: [["db.test:5432"]] } },
    aliases: { orders: "db", mine: "db" },
  };
  const runtime = createRuntime({
    platform,
    dns: { resolver: staticResolver({ "other.test": ["10.0.0.9"] }) },
    connections: {
      endpoints: { own: { tiers: [["other.test:1"]] }, mine: { tiers: [["10.0.0.8:1"]] } },
      defaults: { pool: { maxIdle: 5 } },
    },
    topology: { url: "http://config.test/", fetch: () => Promise.resolve(Response.json(document)) },
  });
  const { dns } = await runtime.ready();
  assert.deepEqual([...dns.resolved].sort(), ["db.test", "other.test"]);
  const to = async (name: string) => {
    const lease = await runtime.connections.connect(name);
    lease.release();
    return lease.remoteAddress;
  };
  assert.deepEqual(await Promise.all(["orders", "own", "mine"].map(to)), [
    "10.0.0.1:5432",
    "10.0.0.9:1",
    "10.0.0.1:5432",
  ]);

  // Good by itself, but not with what this program says of every endpoint.
  document = {
    schema: 1,
    version: "2",
    endpoints: { db: { tiers: [["10.0.0.2:1"]], pool: { minIdle: 6 } } },
  };
  await runtime.topology!.reload();
  assert.equal(runtime.topology!.current!.version, "1");
  assert.match(runtime.topology!.snapshot().trouble[0]!.reasons[0]!, /endpoint "db": pool.minIdle/);
  assert.equal(await to("orders"), "10.0.0.1:5432");

  document = { schema: 1, version: "3", endpoints: { orders: { tiers: [["10.0.0.3:5432"]] } } };
  await runtime.topology!.reload();
  assert.deepEqual([await to("orders"), await to("mine")], ["10.0.0.3:5432", "10.0.0.8:1"]);
  await assert.rejects(to("db"), { code: "UNKNOWN_ENDPOINT" });
  assert.equal(network.sides("10.0.0.1:5432").length, 0);
  assert.equal(runtime.reports.ids.includes("connections"), true);
  await runtime.close();
  assert.equal(network.open, 0);
});
