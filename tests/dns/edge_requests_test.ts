import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withWaitUntil } from "@ballast/runtime";
import { createDnsCache, type DnsCacheOptions, type DnsEvent } from "@ballast/runtime/dns";
import { type SimulatedClock, simulatedClock } from "@ballast/runtime/testing";
import {
  addresses,
  EMPTY,
  FAILED,
  NONEXISTENT,
  onlyV4,
  type ScriptedResolver,
  scriptedResolver,
} from "../support/scripted_resolver.ts";
import { now, texts } from "./setup.ts";

/**
 * A cache where nothing runs between requests. `waitUntil` says so; the clock's own timers are those that requests wait for, and
 * what no request does by looking is not done.
 */
function requests(script: ScriptedResolver["script"], options: DnsCacheOptions = {}) {
  const clock = simulatedClock();
  const resolver = scriptedResolver(clock, script);
  const kept: Promise<unknown>[] = [];
  const waitUntil = (work: Promise<unknown>) => void kept.push(work);
  const dns = createDnsCache({ clock, resolver, waitUntil, ...options });
  const events: DnsEvent[] = [];
  dns.events.subscribe((event) => events.push(event));
  return { clock, resolver, dns, kept, events };
}

/** What a lookup comes to once `ms` have passed. */
async function after<T>(clock: SimulatedClock, ms: number, promise: Promise<T>): Promise<T | string> {
  let result: T | string = "pending";
  promise.then((value) => result = value, (error) => result = error.code ?? String(error));
  await clock.advance(ms);
  return result;
}

describe("a cache whose timers end with the request", () => {
  it("asks nothing by itself: the hit that finds a refresh due begins it, and is answered at once", async () => {
    let address = "10.0.0.1";
    const { clock, resolver, dns, kept } = requests((query) => onlyV4(address)(query));
    await after(clock, 0, dns.resolve("a.test"));
    const asked = resolver.queries.length;
    const keptBefore = kept.length;
    address = "10.0.0.2";
    await clock.advance(330_000);
    assert.equal(resolver.queries.length, asked);
    assert.equal(clock.pending, 0, "no timer is set between requests");

    assert.deepEqual(texts(await now(dns.resolve("a.test"))), ["10.0.0.1?"]);
    assert.ok(kept.length > keptBefore, "its refresh was handed to waitUntil");
    await clock.advance(0);
    await Promise.all(kept);
    assert.deepEqual(texts(await now(dns.resolve("a.test"))), ["10.0.0.2"]);
  });

  it("ages answers by the clock: fresh, stale, then given up", async () => {
    const { clock, resolver, dns } = requests(onlyV4("10.0.0.1"), {
      refreshMs: 10_000,
      maxStaleMs: 60_000,
      idleMs: 1e9,
    });
    await after(clock, 0, dns.resolve("a.test"));
    await clock.advance(8_000);
    assert.deepEqual(texts(dns.peek("a.test")), ["10.0.0.1"]);
    resolver.script = () => FAILED;
    await clock.advance(12_000);
    assert.deepEqual(texts(dns.peek("a.test")), ["10.0.0.1?"]);
    await clock.advance(60_000);
    assert.equal(dns.peek("a.test"), undefined);
    assert.equal(await after(clock, 0, dns.resolve("a.test")), "RESOLVE_FAILED");
  });

  it("checks ages anew after a suspension", async () => {
    const { clock, resolver, dns } = requests(onlyV4("10.0.0.1"), { refreshMs: 60_000 });
    await after(clock, 0, dns.resolve("a.test"));
    const asked = resolver.queries.length;
    resolver.script = () => "silence";
    clock.jump(120_000);
    assert.deepEqual(texts(await now(dns.resolve("a.test"))), ["10.0.0.1?"]);
    assert.ok(resolver.queries.length > asked);
  });

  it("forgets denials and failures in time, and names nobody asks for", async () => {
    const { clock, dns, events } = requests(
      ({ name }) => name === "b.test" ? addresses("10.0.0.2") : NONEXISTENT,
      {
        refreshMs: 10_000,
        idleMs: 20_000,
      },
    );
    assert.equal(await after(clock, 0, dns.resolve("a.test")), "NAME_NOT_FOUND");
    assert.equal(await now(dns.resolve("a.test")), "NAME_NOT_FOUND");
    await after(clock, 0, dns.resolve("b.test", { family: 4 }));
    await clock.advance(30_000);
    assert.deepEqual(dns.snapshot().names.map(({ name }) => name), []);
    assert.ok(events.some((event) => event.type === "dropped" && event.why === "idle"));
  });

  it("times its queries out by a timer of the request, in the background too", async () => {
    const { clock, resolver, dns, kept } = requests(onlyV4("10.0.0.1"), {
      refreshMs: 10_000,
      timeoutMs: 200,
      attempts: 2,
    });
    await after(clock, 0, dns.resolve("a.test", { family: 4 }));
    resolver.script = () => "silence";
    await clock.advance(10_000);
    await now(dns.resolve("a.test", { family: 4 }));
    await clock.advance(400);
    await kept.at(-1);
    assert.equal(resolver.open, 0);
    assert.match(dns.snapshot().names[0]!.records[0]!.lastFailure!, /longer than 200 ms/);
  });

  it("shares a lookup among requests, without waiting for another one's promise", async () => {
    const { clock, resolver, dns } = requests(() => ({ afterMs: 100, answer: addresses("10.0.0.1") }));
    const waiting = Array.from({ length: 5 }, () => dns.resolve("a.test", { family: 4 }));
    await clock.advance(150);
    assert.deepEqual((await Promise.all(waiting)).map(texts), Array(5).fill(["10.0.0.1"]));
    assert.equal(resolver.queries.length, 1);
  });

  describe("when the request that began a lookup is gone, and its promises and timers with it", () => {
    /** A clock whose real timers do not fire while the request that sets them is doomed. */
    function doomable() {
      const base = simulatedClock();
      let doomed = false;
      const clock: SimulatedClock = Object.defineProperties({} as SimulatedClock, {
        ...Object.getOwnPropertyDescriptors(base),
        schedule: {
          value: (...args: Parameters<SimulatedClock["schedule"]>) =>
            doomed ? { cancel() {} } : base.schedule(...args),
        },
      });
      const queries: string[] = [];
      const resolver = {
        name: "doomable",
        async query(_: string, type: string) {
          queries.push(type);
          if (doomed) await new Promise(() => {});
          return type === "A" ? addresses("10.0.0.1") : EMPTY;
        },
      };
      const dns = createDnsCache({
        clock,
        resolver,
        waitUntil() {},
        timeoutMs: 200,
        attempts: 2,
        maxLookups: 2,
      });
      const doom = (fn: () => void) => {
        doomed = true;
        fn();
        doomed = false;
      };
      return { clock, dns, queries, doom };
    }

    it("those of other requests who wait for it ask themselves, in time", async () => {
      const { clock, dns, queries, doom } = doomable();
      doom(() => dns.resolve("a.test").catch(() => {}));
      assert.deepEqual(queries, ["A", "AAAA"]);
      const waiting = [dns.resolve("a.test"), dns.resolve("a.test")];
      await clock.advance(2_000);
      assert.deepEqual((await Promise.all(waiting)).map(texts), [["10.0.0.1"], ["10.0.0.1"]]);
      assert.equal(queries.length, 4);
    });

    it("its place is free again: neither lookups nor refreshes run out", async () => {
      const { clock, dns, doom } = doomable();
      for (let turn = 0; turn < 5; turn++) {
        doom(() => {
          for (const name of ["a", "b"]) dns.resolve(`${name}${turn}.test`).catch(() => {});
        });
        assert.equal(dns.snapshot().lookups, 4);
        assert.equal(await now(dns.resolve("c.test")), "RESOLVE_FAILED", "maxLookups are under way");
        await clock.advance(2_000);
        assert.equal(dns.snapshot().lookups, 0);
      }
      assert.deepEqual(texts(await after(clock, 0, dns.resolve("c.test"))), ["10.0.0.1"]);

      // More refreshes than may run at a time, all of them lost.
      for (let turn = 0; turn < 5; turn++) {
        await clock.advance(300_000);
        doom(() => void dns.peek("c.test"));
        await clock.advance(2_000);
      }
      // The first look finds the last refresh lost, and the next begins one that is not.
      for (let look = 0; look < 2; look++) {
        dns.peek("c.test");
        await clock.advance(1);
      }
      assert.equal(dns.peek("c.test")?.[0].stale, false);
    });

    it("a name that came to nothing is forgotten", async () => {
      const { clock, dns, doom } = doomable();
      doom(() => dns.resolve("a.test").catch(() => {}));
      await clock.advance(2_000);
      dns.peek("a.test");
      await clock.advance(2_000);
      assert.deepEqual(dns.snapshot().names, []);
    });
  });

  it("preresolves with the first request, not before, and keeps warm what nobody asks for", async () => {
    const { clock, resolver, dns } = requests(onlyV4("10.0.0.1"), {
      preresolve: ["a.test", "no name", "127.0.0.1"],
    });
    await clock.advance(1_000);
    assert.equal(resolver.queries.length, 0);
    assert.equal(dns.peek("other.test"), undefined);
    await clock.advance(0);
    assert.deepEqual(texts(dns.peek("a.test")), ["10.0.0.1"]);
    assert.deepEqual(dns.snapshot().names.map(({ name, pinned }) => [name, pinned]), [["a.test", true]]);

    const asked = resolver.queries.length;
    await clock.advance(86_400_000 / 2);
    dns.peek("other.test");
    await clock.advance(0);
    assert.ok(resolver.queries.length > asked);
    assert.equal(dns.peek("a.test")?.[0].stale, false);
  });

  it("withWaitUntil() gives a request's own; what throws breaks nothing", async () => {
    const { clock, dns, kept } = requests(onlyV4("10.0.0.1"));
    const own: Promise<unknown>[] = [];
    const ctx = {
      own,
      waitUntil(work: Promise<unknown>) {
        this.own.push(work);
      },
    };
    const found = withWaitUntil(ctx, () => dns.resolve("a.test", { family: 4 }));
    assert.deepEqual(texts(await after(clock, 0, found)), ["10.0.0.1"]);
    assert.deepEqual([own.length, kept.length], [1, 0]);

    const broken = { waitUntil: () => assert.fail("no request is running") };
    const other = withWaitUntil(broken, () => dns.resolve("b.test", { family: 4 }));
    assert.deepEqual(texts(await after(clock, 0, other)), ["10.0.0.1"]);
  });

  it("closes under those who wait, and leaves no timer", async () => {
    const { clock, dns } = requests(() => ({ afterMs: 100, answer: addresses("10.0.0.1") }));
    const waiting = [dns.resolve("a.test"), dns.resolve("a.test")].map((promise) =>
      promise.catch((error) => error.code)
    );
    await dns.close();
    await clock.advance(5_000);
    assert.deepEqual(await Promise.all(waiting), ["CLOSED", "CLOSED"]);
    assert.equal(clock.pending, 0);
  });
});
