import assert from "node:assert/strict";
import { test } from "node:test";

import type { Clock } from "@ballast/runtime";
import { createDnsCache, type DnsCache, type DnsCacheOptions } from "@ballast/runtime/dns";
import { type SimulatedClock, simulatedClock } from "@ballast/runtime/testing";
import { onlyV4, type ScriptedResolver, scriptedResolver } from "../support/scripted_resolver.ts";

const HOUR = 3_600_000;
const MANY = 10_000;

/** What a cache asks of its surroundings: the costs that can be counted. */
interface Costs {
  /** Looks at a clock. */
  reads: number;
  /** Timers set. */
  timers: number;
  /** Queries sent. */
  queries: number;
}

interface Scale {
  readonly dns: DnsCache;
  readonly clock: SimulatedClock;
  readonly resolver: ScriptedResolver;
  readonly names: readonly string[];
  /** What `work` costs. */
  cost(work: () => unknown): Promise<Costs>;
}

/** A cache that holds `size` names, and counts what it does from then on. */
async function scale(size: number, options: DnsCacheOptions = {}): Promise<Scale> {
  const simulated = simulatedClock();
  const costs: Costs = { reads: 0, timers: 0, queries: 0 };
  const clock: Clock = {
    now: () => (costs.reads++, simulated.now()),
    monotonic: () => (costs.reads++, simulated.monotonic()),
    random: () => simulated.random(),
    onJump: (listener) => simulated.onJump(listener),
    schedule: (...args) => (costs.timers++, simulated.schedule(...args)),
    get pending() {
      return simulated.pending;
    },
  };
  const resolver = scriptedResolver(simulated, onlyV4("10.0.0.1"));
  // Absent records are remembered for so long that A records alone are asked for.
  const own = { idleMs: 24 * HOUR, negativeMs: 24 * HOUR, maxTtlMs: 24 * HOUR, ...options };
  const dns = createDnsCache({ clock, resolver, ...own });
  const names = Array.from({ length: size }, (_, index) => `n${index}.example`);
  for (const name of names) await dns.resolve(name);
  async function cost(work: () => unknown): Promise<Costs> {
    const before = { ...costs, queries: resolver.queries.length };
    await work();
    return {
      reads: costs.reads - before.reads,
      timers: costs.timers - before.timers,
      queries: resolver.queries.length - before.queries,
    };
  }
  return { dns, clock: simulated, resolver, names, cost };
}

test("a hit reads no clock, sets no timer and makes no promise, however many names there are", async () => {
  for (const size of [10, MANY]) {
    const { dns, names, cost } = await scale(size);
    const promises = new Set<Promise<unknown>>();
    const hits = await cost(() => {
      for (let round = 0; round < 3; round++) {
        for (const name of names) {
          promises.add(dns.resolve(name));
          dns.peek(name);
        }
      }
    });
    assert.deepEqual(hits, { reads: 0, timers: 0, queries: 0 });
    assert.equal(promises.size, size);
    assert.equal(dns.snapshot().served.fresh, 6 * size);
    await dns.close();
  }
});

test("a refresh costs the same among ten names and among ten thousand, and a name has two timers", async () => {
  const each: Costs[] = [];
  for (const size of [10, MANY]) {
    const { dns, clock, names, cost } = await scale(size);
    assert.equal(clock.pending, 2 * size);
    // Each is due once, 4 to 5 minutes after its answer, and not twice within 6.
    const costs = await cost(() => clock.advance(6 * 60_000));
    assert.equal(costs.queries, size);
    each.push({ reads: costs.reads / size, timers: costs.timers / size, queries: costs.queries / size });
    assert.deepEqual(names.filter((name) => dns.peek(name)?.[0].stale !== false), []);
    assert.equal(clock.pending, 2 * size);
    await dns.close();
    assert.equal(clock.pending, 0);
    assert.deepEqual(dns.snapshot().names, []);
  }
  // A clock is looked at for other reasons as well, but not once more for every name there is.
  assert.ok(
    Math.abs(each[1]!.reads - each[0]!.reads) < 1,
    `${each[0]!.reads} and ${each[1]!.reads} reads a name`,
  );
  // One for the attempt, one until the answer is stale, one for the next refresh.
  assert.deepEqual(each.map(({ timers }) => timers), [3, 3]);
});

test("ten thousand names due at once are refreshed all, a bounded number at a time", async () => {
  const { dns, clock, resolver, names } = await scale(MANY);
  let most = 0;
  const answer = resolver.script;
  resolver.script = (query) => {
    most = Math.max(most, resolver.open);
    return { afterMs: 5, answer: answer(query) as never };
  };
  const before = resolver.queries.length;
  clock.jump(HOUR);
  const { refreshesWaiting, lookups } = dns.snapshot();
  assert.deepEqual([refreshesWaiting, lookups], [MANY - 16, 16]);
  await clock.advance(5 * MANY / 16 + 1_000);
  assert.equal(most, 16);
  assert.deepEqual(resolver.queries.slice(before).map(({ name }) => name).sort(), [...names].sort());
  assert.deepEqual(names.filter((name) => dns.peek(name)?.[0].stale !== false), []);
  await dns.close();
});

test("a flood of new names costs a full cache the same per name, however many it holds", async () => {
  const each: number[] = [];
  for (const size of [100, MANY]) {
    const { dns, names, cost } = await scale(size, { maxNames: size });
    const flood = size / 2;
    const used = names.slice(0, size / 4);
    for (const name of used) dns.peek(name);
    const costs = await cost(async () => {
      for (let index = 0; index < flood; index++) {
        await dns.resolve(`flood${index}.example`);
        dns.peek(used[index % used.length]!);
      }
    });
    each.push(costs.reads / flood);
    assert.equal(dns.snapshot().names.length, size);
    const held = new Set(dns.snapshot().names.map(({ name }) => name));
    // A bounded look at names in use finds nothing better now and then.
    const lost = used.filter((name) => !held.has(name));
    assert.ok(lost.length <= used.length / 25, `${lost.length} of ${used.length} names in use were dropped`);
    await dns.close();
  }
  assert.ok(each[1]! < each[0]! + 5, `${each[0]} clock reads a name among 100, ${each[1]} among ${MANY}`);
});

test("the snapshot has every one of ten thousand names, the report 500 rows and a count of the others", async () => {
  const { dns, clock, resolver, names } = await scale(MANY, {
    maxNames: 2 * MANY,
    failureMs: 300_000,
  });
  resolver.script = () => ({ verdict: "failed", reason: "SERVFAIL" });
  await clock.advance(12 * 60_000);
  for (const name of ["x.example", "y.example"]) await assert.rejects(dns.resolve(name));
  const snapshot = dns.snapshot();
  assert.deepEqual(
    snapshot.names.map(({ name }) => name).sort(),
    [...names, "x.example", "y.example"].sort(),
  );
  const table = dns.report().tables!.find(({ id }) => id === "names")!;
  assert.deepEqual([table.rows.length, table.omitted], [500, MANY + 2 - 500]);
  assert.deepEqual(
    table.rows.slice(0, 2).map(([name]) => (name as { readonly key: string }).key),
    ["x.example", "y.example"],
    "trouble comes first",
  );
  const findings = dns.report().findings!;
  assert.ok(findings.some(({ id }) => id === "dns-stale-for-long"));
  assert.ok(findings.length <= 4, "one for a kind of trouble, not for every name");
  for (const { title, evidence } of findings) assert.ok(title.length + evidence.length < 1_000);
  await dns.close();
});
