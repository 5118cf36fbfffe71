/** A fleet of clients against replicas, some of them bad, on simulated time: what no loopback test can show. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { type ConnectionManager, createConnectionManager } from "@ballast/runtime/connections";
import { createDnsCache, staticResolver } from "@ballast/runtime/dns";
import { type SimulatedClock, simulatedClock } from "@ballast/runtime/testing";
import { detectPlatform } from "../../src/platform/detect.ts";
import { createSimulatedNet, type SimulatedNet } from "../support/simulated_net.ts";

const CLIENTS = 1_000;
const REPLICAS = Array.from({ length: 10 }, (_, index) => `10.0.0.${index + 1}:80`);
const SLOW = REPLICAS[0]!;
const FLAPPING = REPLICAS[1]!;
/** A replica that is well connects and answers in so many milliseconds, one that is slow in twenty times as many. */
const CONNECT_MS = 2;
const REPLY_MS = 5;

interface Outage {
  readonly clock: SimulatedClock;
  readonly network: SimulatedNet;
  readonly manager: ConnectionManager;
  /** Answers so far, by address. */
  readonly served: Map<string, number>;
  readonly counts: { calls: number; failed: number };
  /** What happened, as one text: of two runs of one seed it is the same. */
  digest(): string;
  run(ms: number): Promise<void>;
  end(): Promise<void>;
}

/** Clients that call, wait a while, and call again, until told to stop. */
function startFleet({ seed, perAddress }: { readonly seed: number; readonly perAddress: number }): Outage {
  const clock = simulatedClock({ seed });
  const network = createSimulatedNet(clock);
  const platform = { ...detectPlatform(), clock, net: network.net };
  for (const address of REPLICAS) {
    const factor = address === SLOW ? 20 : 1;
    network.peer(address, { connectMs: CONNECT_MS * factor, replyMs: REPLY_MS * factor });
  }
  const dns = createDnsCache({ clock, platform, resolver: staticResolver({}) });
  const manager = createConnectionManager({
    dns,
    clock,
    platform,
    maxConnections: 100_000,
    endpoints: { web: { tiers: [REPLICAS], pool: { maxPerAddress: perAddress } } },
  });
  const served = new Map(REPLICAS.map((address) => [address, 0]));
  const counts = { calls: 0, failed: 0 };
  let running = true;
  let hash = 0;
  const note = (text: string) => {
    for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  };
  const question = new Uint8Array(1);
  const wait = (ms: number) => new Promise<void>((resolve) => clock.schedule(ms, resolve));

  async function client(): Promise<void> {
    while (running) {
      await wait(1 + clock.random() * 200);
      counts.calls++;
      try {
        const lease = await manager.connect("web");
        try {
          await lease.write(question);
          await lease.read();
          served.set(lease.remoteAddress, served.get(lease.remoteAddress)! + 1);
          note(`${lease.remoteAddress}@${Math.round(clock.monotonic())}`);
          lease.release();
        } catch (error) {
          lease.close(error);
        }
      } catch {
        counts.failed++;
      }
    }
  }
  const clients = Array.from({ length: CLIENTS }, client);
  return {
    clock,
    network,
    manager,
    served,
    counts,
    digest: () => `${hash} ${JSON.stringify([...served.values()])} ${JSON.stringify(counts)}`,
    run: (ms) => clock.advance(ms),
    async end() {
      running = false;
      await clock.advance(10_000);
      await Promise.all(clients);
      await manager.close();
      await dns.close();
      assert.equal(network.open, 0);
    },
  };
}

function setFlapping({ network }: Outage, isUp: boolean): void {
  network.peer(FLAPPING, { mode: isUp ? "accept" : "refuse" });
  if (!isUp) { for (const side of network.sides(FLAPPING)) side.reset(); }
}

function sum(values: Iterable<number>): number {
  return [...values].reduce((total, value) => total + value, 0);
}

test("1,000 clients, one replica slow and one flapping: traffic goes elsewhere, and comes back", async () => {
  const fleet = startFleet({ seed: 7, perAddress: 200 });
  const { manager, served, counts, network } = fleet;
  await fleet.run(5_000);
  const share = (address: string) => served.get(address)! / sum(served.values());
  assert.ok(share(SLOW) < 0.03, `the slow one has ${(share(SLOW) * 100).toFixed(2)}% after 5 s`);

  for (let round = 0; round < 3; round++) {
    setFlapping(fleet, false);
    await fleet.run(2_000);
    setFlapping(fleet, true);
    await fleet.run(2_000);
  }
  assert.ok(share(SLOW) < 0.03, `the slow one has ${(share(SLOW) * 100).toFixed(2)}%`);
  assert.equal(counts.failed, 0);

  // Back for good: within one probe interval, the time it was marked down for, it has its share again.
  const { addresses } = manager.snapshot().endpoints[0]!;
  const { downUntil } = addresses.find(({ address }) => address === FLAPPING)!;
  const intervalMs = downUntil === undefined ? 0 : Math.max(0, downUntil - fleet.clock.now());
  await fleet.run(intervalMs + 1_200);
  const before = new Map(served);
  await fleet.run(1_000);
  const since = (address: string) => served.get(address)! - before.get(address)!;
  const all = sum(REPLICAS.map(since));
  assert.ok(since(FLAPPING) / all > 0.05, `it has ${(100 * since(FLAPPING) / all).toFixed(1)}% again`);
  assert.ok(since(SLOW) / all < 0.03);
  assert.ok(network.dials.get(SLOW)! < 400, `${network.dials.get(SLOW)} dials to the slow one`);
  await fleet.end();
});

test("when most of the fleet is dead, tries beyond the first stay within the budget", async () => {
  const fleet = startFleet({ seed: 8, perAddress: 200 });
  await fleet.run(1_000);
  for (const address of REPLICAS.slice(0, 9)) {
    fleet.network.peer(address, { mode: "refuse" });
    for (const side of fleet.network.sides(address)) side.reset();
  }
  const before = sum(fleet.network.dials.values());
  const calls = fleet.counts.calls;
  await fleet.run(20_000);
  const { granted } = fleet.manager.snapshot().retries;
  const made = fleet.counts.calls - calls;
  // 20% of the calls, and 10 a second; those of the ten seconds before count as well.
  assert.ok(granted <= 0.2 * fleet.counts.calls + 10 * 31, `${granted} of ${fleet.counts.calls} calls`);
  assert.ok(sum(fleet.network.dials.values()) - before <= made + granted);
  assert.ok(fleet.counts.failed < made * 0.02, `${fleet.counts.failed} of ${made} failed`);
  await fleet.end();
});

test("the same seed gives the same run", async () => {
  const once = async (seed: number) => {
    const fleet = startFleet({ seed, perAddress: 50 });
    await fleet.run(1_000);
    setFlapping(fleet, false);
    await fleet.run(1_500);
    setFlapping(fleet, true);
    await fleet.run(500);
    const digest = fleet.digest();
    await fleet.end();
    return digest;
  };
  const [first, second, other] = [await once(1), await once(1), await once(2)];
  assert.equal(first, second);
  assert.notEqual(first, other);
});
