import { createDnsCache, delay, type DnsAnswer, NameNotFoundError, staticResolver } from "@ballast/runtime";
import { type SimulatedClock, simulatedClock } from "@ballast/runtime/testing";
import { RetryError } from "@std/async";
import { describe, it } from "@std/testing/bdd";
import { assertSpyCalls, resolvesNext, spy } from "@std/testing/mock";
import { FakeTime } from "@std/testing/time";
import assert from "node:assert/strict";
import { newest, resolveEach, resolvePersistently } from "./lookups.ts";

const FOUND: DnsAnswer = { verdict: "addresses", addresses: ["10.0.0.4"] };
const MOVED: DnsAnswer = { verdict: "addresses", addresses: ["10.0.0.5"] };
const FAILED: DnsAnswer = { verdict: "failed", reason: "SERVFAIL" };
const EMPTY: DnsAnswer = { verdict: "empty" };

/** A cache whose resolver gives these answers to its A queries, one after the other, and its clock. */
function cacheOf(...answers: (DnsAnswer | Promise<DnsAnswer>)[]) {
  const clock = simulatedClock();
  const ask = spy(resolvesNext<DnsAnswer>(answers));
  const dns = createDnsCache({
    clock,
    resolver: { name: "scripted", query: (_, type) => type === "A" ? ask() : Promise.resolve(EMPTY) },
  });
  return { dns, ask, clock };
}

/**
 * Lets both clocks go on, side by side: FakeTime is the one of `@std/async`, the simulated clock is the one of the cache.
 */
async function pass(time: FakeTime, clock: SimulatedClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    await clock.advance(100);
    await time.tickAsync(100);
  }
}

describe("pooledMap", () => {
  it("gives what came of each name, in their order", async () => {
    const resolver = staticResolver({ "db.internal": ["10.0.0.4"], "mail.internal": ["10.0.0.5"] });
    await using dns = createDnsCache({ resolver });
    const results = await Array.fromAsync(
      resolveEach(dns, ["mail.internal", "nowhere.internal", "db.internal"], 2),
    );

    assert.deepEqual(results.map(({ name }) => name), ["mail.internal", "nowhere.internal", "db.internal"]);
    const [mail, nowhere] = results;
    assert.equal("addresses" in mail! && mail.addresses[0].address, "10.0.0.5");
    assert.ok("error" in nowhere! && nowhere.error instanceof NameNotFoundError);
  });

  it("has no more names under way than it is told", async () => {
    const clock = simulatedClock();
    const underWay = new Set<string>();
    let most = 0;
    await using dns = createDnsCache({
      clock,
      resolver: {
        name: "slow",
        async query(name) {
          most = Math.max(most, underWay.add(name).size);
          await delay(10, { clock });
          underWay.delete(name);
          return FOUND;
        },
      },
    });

    const results = Array.fromAsync(resolveEach(dns, ["a.test", "b.test", "c.test", "d.test", "e.test"], 2));
    await clock.advance(100);

    assert.equal((await results).length, 5);
    assert.equal(most, 2);
  });
});

describe("deadline", () => {
  it("ends the wait of its caller alone: the query goes on for the others", async () => {
    using time = new FakeTime();
    const { promise, resolve } = Promise.withResolvers<DnsAnswer>();
    const { dns, ask } = cacheOf(promise);
    await using _ = dns;

    const impatient = assert.rejects(newest(dns, "db.internal", 50), { name: "TimeoutError" });
    const patient = dns.resolve("db.internal");
    await time.tickAsync(50);
    await impatient;

    resolve(FOUND);
    assert.equal((await patient)[0].address, "10.0.0.4");
    assert.equal(dns.peek("db.internal")?.[0].address, "10.0.0.4");
    assertSpyCalls(ask, 1);
  });

  it("leaves the addresses that are held, and the query brings the new ones later", async () => {
    using time = new FakeTime();
    const { promise, resolve } = Promise.withResolvers<DnsAnswer>();
    const { dns, clock } = cacheOf(FOUND, promise);
    await using _ = dns;
    await dns.resolve("db.internal");

    const addresses = newest(dns, "db.internal", 50);
    await time.tickAsync(50);
    assert.equal((await addresses)[0].address, "10.0.0.4");

    resolve(MOVED);
    await clock.advance(0);
    assert.equal(dns.peek("db.internal")?.[0].address, "10.0.0.5");
  });
});

describe("retry", () => {
  it("asks again once the failure is forgotten", async () => {
    using time = new FakeTime();
    const { dns, ask, clock } = cacheOf(FAILED, FAILED, FOUND);
    await using _ = dns;

    const addresses = resolvePersistently(dns, "db.internal", 3);
    await pass(time, clock, 1_100 + 2_200);

    assert.equal((await addresses)[0].address, "10.0.0.4");
    assertSpyCalls(ask, 3);
  });

  it("gives up after the last attempt, and says why it failed", async () => {
    using time = new FakeTime();
    const { dns, clock } = cacheOf(FAILED, FAILED);
    await using _ = dns;

    const outcome = assert.rejects(resolvePersistently(dns, "db.internal", 2), (error) => {
      assert.ok(error instanceof RetryError);
      assert.equal((error.cause as Error).message, "db.internal could not be resolved: SERVFAIL");
      return true;
    });
    await pass(time, clock, 1_100);
    await outcome;
  });

  it("does not ask again for a name that does not exist", async () => {
    const { dns, ask } = cacheOf({ verdict: "nonexistent" });
    await using _ = dns;

    await assert.rejects(resolvePersistently(dns, "nowhere.internal", 3), NameNotFoundError);
    assertSpyCalls(ask, 1);
  });
});
