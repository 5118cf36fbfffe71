import assert from "node:assert/strict";
import { test } from "node:test";

import { delay } from "@ballast/runtime";
import { createDnsCache } from "@ballast/runtime/dns";
import { createStats } from "@ballast/runtime/stats";
import { type DnsFault, startDnsServer } from "../../examples/service/dns_server.ts";

const NAMES = Array.from({ length: 20 }, (_, index) => `n${index}.outage.test`);
const PER_SECOND = 200;
const SECONDS = 15;
const OUTAGE = { fromMs: 5_000, toMs: 10_000 };

interface Outcome {
  readonly lookups: number;
  readonly errors: readonly unknown[];
  /** Lookups that had not settled when the event loop turned: they waited for a query. */
  readonly waits: number;
  readonly stale: number;
  /** Stale answers in the last second, long after the outage. */
  readonly staleAtEnd: number;
  readonly waited: number;
  readonly findings: readonly string[];
}

/** A steady load on a cache whose real name server fails for five seconds. */
async function run(fault: DnsFault): Promise<Outcome> {
  const zone = Object.fromEntries(
    NAMES.map((name, index) => [name, { a: [`127.0.1.${index + 1}`], ttl: 1 }]),
  );
  const server = await startDnsServer({ zone, origin: "outage.test" });
  const stats = createStats();
  const dns = createDnsCache({
    servers: [{ address: server.address, port: server.port }],
    refreshMs: 1_000,
    stats,
  });
  try {
    const warm = await dns.preresolve(NAMES);
    assert.deepEqual(warm.failed, []);
    const startedAt = performance.now();
    const errors: unknown[] = [];
    let [lookups, waits, stale, staleAtEnd, broken] = [0, 0, 0, 0, false];
    let findings: string[] = [];
    for (;;) {
      const elapsed = performance.now() - startedAt;
      if (elapsed >= SECONDS * 1_000) break;
      const down = elapsed >= OUTAGE.fromMs && elapsed < OUTAGE.toMs;
      if (down && !broken) {
        server.setFault(fault);
        broken = true;
      } else if (!down && broken) {
        findings = (dns.report().findings ?? []).map(({ id }) => id);
        server.setFault({ mode: "ok" });
        broken = false;
      }
      for (; lookups < elapsed * PER_SECOND / 1_000; lookups++) {
        let settled = false;
        dns.resolve(NAMES[lookups % NAMES.length]!, { family: lookups % 2 ? 0 : 4 }).then((list) => {
          settled = true;
          if (!list[0]!.stale) return;
          stale++;
          if (elapsed > (SECONDS - 1) * 1_000) staleAtEnd++;
        }, (error) => errors.push(error));
        for (let hop = 0; hop < 10; hop++) await null;
        if (!settled) waits++;
      }
      await delay(5);
    }
    const waited = stats.counter("dns.resolve.waited").value;
    return { lookups, errors, waits, stale, staleAtEnd, waited, findings };
  } finally {
    await dns.close();
    await server.close();
  }
}

// Side by side, so that the three take the time of one.
const FAULTS: readonly DnsFault[] = [{ mode: "drop" }, { mode: "delay", delayMs: 3_000 }, {
  mode: "servfail",
}];
const runs = FAULTS.map((fault) => [fault.mode, run(fault)] as const);

for (const [mode, outcome] of runs) {
  test(`with a name server in mode ${mode} for 5 of 15 s, no lookup fails and none of a warm name waits`, async () => {
    const { lookups, errors, waits, stale, staleAtEnd, waited, findings } = await outcome;
    assert.ok(lookups >= PER_SECOND * SECONDS * 0.95, `${lookups} lookups were made`);
    assert.deepEqual(errors, []);
    assert.equal(waits, 0);
    assert.equal(waited, NAMES.length, "only the first lookup of each name, in preresolve, waited");
    assert.ok(stale > PER_SECOND, "the outage was real");
    // A refresh of a busy machine may come a moment after its answer went stale: one every second, for each of 20 names.
    assert.ok(staleAtEnd < PER_SECOND / 10, `it is over, but for ${staleAtEnd} stale answers`);
    assert.ok(findings.includes("dns-stale-for-long"), findings.join());
  });
}
