import assert from "node:assert/strict";
import { test } from "node:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";

import { BallastError } from "@ballast/runtime";
import { createDnsCache, type DnsAnswer, type DnsCache, dohResolver } from "@ballast/runtime/dns";
import { respond } from "../../examples/service/dns_respond.ts";
import { NO_FAULT } from "../../examples/service/dns_fault.ts";
import { createZone } from "../../examples/service/dns_zone.ts";
import { addresses, EMPTY, NONEXISTENT, type Script } from "../support/scripted_resolver.ts";
import { now, setup } from "./setup.ts";

const MAX_NAMES = 8;

/** The typed errors: what a caller can be expected to catch. */
function expectTyped(error: unknown): void {
  assert.ok(error instanceof BallastError, `an error of no type: ${error}`);
  assert.ok(error.message.length < 1_000, "a text that fits into a log");
}

/** What is held, and what for, stays within what was asked for; and it is plain JSON, whatever came in. */
function expectBounded(dns: DnsCache, pending: number): void {
  const snapshot = dns.snapshot();
  assert.ok(snapshot.names.length <= MAX_NAMES, `${snapshot.names.length} names are held`);
  // Two records a name, each with a refresh, an expiry and an attempt that is under way; and the cache's own.
  assert.ok(pending <= 6 * MAX_NAMES + 16, `${pending} timers are pending`);
  assert.ok(snapshot.lookups <= 4 * MAX_NAMES, `${snapshot.lookups} lookups are under way`);
  // A text of 2,000 characters from a resolver, or an address list of any length, is not kept for every name.
  assert.ok(JSON.stringify(snapshot).length < 200_000);
  JSON.stringify(dns.report());
}

/** Nothing here waits for time, which stands still: what does not settle at once never would, and the suite would hang. */
async function settled<T>(promise: T | Promise<T>, what: string): Promise<Awaited<T>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} does not settle`)), 30_000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const names = fc.oneof(
  fc.constantFrom("a.test", "b.test", "A.TEST.", "localhost", "10.0.0.1", "::1", "[::1]", "bücher.test"),
  fc.domain(),
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.array(fc.string({ unit: "grapheme", maxLength: 70 }), { maxLength: 8 }).map((labels) =>
    labels.join(".")
  ),
  fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty"),
  fc.anything() as fc.Arbitrary<string>,
);

test("any name, in any call, is answered or refused with a typed error, and only real names are queried", () =>
  fc.assert(
    fc.asyncProperty(fc.array(names, { maxLength: 24 }), async (list) => {
      const { dns, clock, resolver } = setup(
        ({ name }) => name.length % 2 ? addresses("10.0.0.1") : NONEXISTENT,
        {
          maxNames: MAX_NAMES,
          idleMs: 60_000,
        },
      );
      for (const name of list) {
        const calls: (() => unknown)[] = [
          () => dns.resolve(name),
          () => dns.refresh(name),
          () => dns.peek(name),
          () => new Promise((resolve) => dns.lookup(name, resolve)),
        ];
        for (const [index, call] of calls.entries()) {
          try {
            const outcome = await settled(call(), `call ${index} of ${JSON.stringify(name)}`);
            // A name of the wrong type is a mistake in the program, which the type checker has told.
            if (outcome instanceof Error) {
              assert.ok("code" in outcome && "hostname" in outcome, String(outcome));
            }
          } catch (error) {
            if (typeof name === "string") expectTyped(error);
            else assert.ok(error instanceof TypeError || error instanceof BallastError, String(error));
          }
        }
        expectBounded(dns, clock.pending);
      }
      const report = await settled(dns.preresolve(list), `preresolve(${JSON.stringify(list)})`);
      for (const { reason } of report.failed) assert.ok(reason.length < 1_000);
      for (const { name } of resolver.queries) {
        assert.match(name, /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/);
        assert.ok(name.length <= 253);
      }
      await dns.close();
      assert.equal(clock.pending, 0);
    }),
    { numRuns: 60, seed: 20_261_124 },
  ));

test("any hosts table is taken whole, or refused with the one before in force", () => {
  const table = fc.dictionary(
    fc.oneof(fc.domain(), fc.string()),
    fc.oneof(fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string())), fc.anything() as fc.Arbitrary<string[]>),
    { maxKeys: 4 },
  );
  fc.assert(
    fc.property(table, (hosts) => {
      const { dns, clock } = setup(() => EMPTY, { hosts: { "kept.test": ["10.0.0.9"] } });
      try {
        dns.setHosts(hosts);
        for (const [name, list] of Object.entries(hosts)) {
          const held = dns.peek(name)?.length ?? 0;
          assert.ok(held > 0 || list.length === 0, `${name} was taken, and answers nothing`);
        }
      } catch (error) {
        assert.ok(error instanceof TypeError || error instanceof BallastError, String(error));
        assert.equal(dns.peek("kept.test")?.[0].address, "10.0.0.9");
      }
      void dns.close();
      assert.equal(clock.pending, 0);
    }),
    { numRuns: 500 },
  );
});

/** Times that a resolver may say, whether they make sense or not. */
const ttls = fc.oneof(
  fc.constantFrom(0, -1, NaN, Infinity, -Infinity, 2 ** 53, undefined),
  fc.double(),
  fc.nat(1_000_000),
);

/** What a resolver of a user's own may come up with. */
const junk: fc.Arbitrary<DnsAnswer> = fc.oneof(
  fc.record({ verdict: fc.constant("addresses" as const), addresses: fc.array(fc.ipV4()), ttlMs: ttls }),
  fc.record({
    verdict: fc.constant("addresses" as const),
    addresses: fc.array(fc.oneof(fc.ipV6(), fc.string(), fc.anything() as fc.Arbitrary<string>)),
  }),
  fc.record({ verdict: fc.constantFrom("nonexistent" as const, "empty" as const), ttlMs: ttls }),
  fc.record({
    verdict: fc.constantFrom("failed" as const, "ambiguous" as const),
    reason: fc.string({ maxLength: 2_000 }),
    timedOut: fc.boolean(),
  }),
  fc.anything() as fc.Arbitrary<DnsAnswer>,
);

const scripts: fc.Arbitrary<Script> = fc.oneof(
  { weight: 3, arbitrary: junk },
  { weight: 2, arbitrary: fc.record({ afterMs: fc.nat(2_000), answer: junk }) },
  fc.constant("silence" as const),
);

/** One thing that happens to a cache. */
const steps = fc.oneof(
  fc.record({ do: fc.constant("resolve" as const), name: fc.nat(15), family: fc.constantFrom(0, 4, 6) }),
  fc.record({ do: fc.constant("advance" as const), ms: fc.oneof(fc.nat(1_000), fc.nat(3_600_000)) }),
  fc.record({ do: fc.constant("jump" as const), ms: fc.integer({ min: -3_600_000, max: 3_600_000 }) }),
  fc.record({ do: fc.constant("script" as const), script: scripts }),
);

test("whatever a resolver says and whenever, names held are answered at once, others in bounded time", () =>
  fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40 }), async (list) => {
      const { dns, clock, resolver } = setup(() => addresses("10.0.0.1"), {
        maxNames: MAX_NAMES,
        refreshMs: 60_000,
        timeoutMs: 200,
        attempts: 2,
      });
      let current: Script = addresses("10.0.0.1");
      resolver.script = () => current;
      for (const step of list) {
        if (step.do === "script") current = step.script;
        else if (step.do === "advance") await clock.advance(step.ms);
        else if (step.do === "jump") clock.jump(step.ms);
        else {
          const options = { family: step.family as 0 | 4 | 6 };
          const name = `n${step.name}.test`;
          const held = dns.peek(name, options);
          const outcome = dns.resolve(name, options).catch((error: unknown) => {
            expectTyped(error);
            return "failed";
          });
          if (held !== undefined) assert.deepEqual(await now(outcome), held, "a name held was waited for");
          // Two attempts, a confirmation of a denial by two more, and the wait for the second family.
          await clock.advance(4 * 200 + 100);
          const ended = await now(outcome);
          assert.notEqual(ended, "pending", `${name} is still waited for`);
          if (Array.isArray(ended)) {
            for (const { address } of ended) assert.match(address, /^[\da-f:.]+(%.+)?$/);
            assert.ok(ended.length > 0);
          }
        }
        expectBounded(dns, clock.pending);
      }
      await dns.close();
      await clock.advance(3_600_000);
      assert.equal(clock.pending, 0);
      assert.equal(resolver.open, 0, "a query outlived the cache");
    }),
    { numRuns: 80 },
  ));

/** What is done to a reply on its way. */
const spoilers: fc.Arbitrary<(right: Uint8Array) => Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 400 }).map((bytes) => () => bytes),
  fc.nat(120).map((length) => (right: Uint8Array) => right.slice(0, length)),
  fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { minLength: 1, maxLength: 4 }).map(
    (changes) => (right: Uint8Array) => {
      const spoiled = Uint8Array.from(right);
      for (const [at, byte] of changes) if (at < spoiled.length) spoiled[at] = byte;
      return spoiled;
    },
  ),
);

test("any bytes for a reply over HTTPS end in addresses or a typed error, and leave nothing behind", async () => {
  const zone = createZone(
    { "api.test": { a: ["10.0.0.1"], aaaa: ["2001:db8::1"] }, "www.test": { cname: "api.test" } },
    "test",
    1,
  );
  await fc.assert(
    fc.asyncProperty(fc.array(spoilers, { minLength: 4, maxLength: 4 }), async (list) => {
      let asked = 0;
      const resolver = dohResolver({
        url: "https://dns.test/",
        method: "POST",
        fetch: async (_, init) => {
          const query = Uint8Array.from(Buffer.from(init!.body as Uint8Array));
          const { reply } = respond(query, "tcp", zone, NO_FAULT);
          const bytes = list[asked++ % list.length]!(reply!);
          return await Promise.resolve(
            new Response(Uint8Array.from(bytes), { headers: { "content-type": "application/dns-message" } }),
          );
        },
      });
      const dns = createDnsCache({ resolver, failureMs: 1, negativeMs: 1 });
      for (const name of ["api.test", "www.test", "nobody.test"]) {
        const outcome = await dns.resolve(name).catch((error: unknown) => error);
        if (Array.isArray(outcome)) assert.ok(outcome.length > 0);
        else expectTyped(outcome);
      }
      await dns.close();
      assert.deepEqual([dns.snapshot().lookups, dns.snapshot().names], [0, []]);
    }),
    { numRuns: 150 },
  );
});
