/** What it costs to take a pooled connection and to give it back, and what pooling costs a round trip, beside others. */

import { connect, createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import genericPool from "generic-pool";
import { Pool as TarnPool } from "tarn";
import { createConnectionManager } from "@ballast/runtime/connections";
import { compare, type Contender, type Cost, type Effort } from "./measure.ts";

/** Costs, each beside its peers. */
export interface ConnectionCosts {
  /** Acquire and release of one pooled connection, one after the other. */
  readonly lease: readonly Cost[];
  /** A round trip of 64 bytes to an echo server. */
  readonly echo: readonly Cost[];
}

const BARE = "a bare async free list";
const REUSED = "one bare socket, reused";

/** Measures the contenders, in this process, against one echo server. */
export async function measureConnections(effort: Effort): Promise<ConnectionCosts> {
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("data", (bytes) => socket.write(bytes));
  });
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const open = async () => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    return socket;
  };

  await using manager = createConnectionManager({ endpoints: { echo: { tiers: [[`127.0.0.1:${port}`]] } } });
  await using unobserved = createConnectionManager({
    endpoints: { echo: { tiers: [[`127.0.0.1:${port}`]] } },
    observe: false,
  });
  await using replicas = createConnectionManager({
    endpoints: { echo: { tiers: [[`127.0.0.1:${port}`, `127.0.0.2:${port}`, `127.0.0.3:${port}`]] } },
  });
  const generic = genericPool.createPool({
    create: open,
    destroy: (socket: Socket) => Promise.resolve(void socket.destroy()),
  }, { max: 10 });
  const tarn = new TarnPool<Socket>({
    create: open,
    destroy: (socket) => void socket.destroy(),
    min: 0,
    max: 10,
  });
  const free: Socket[] = [await open()];
  // deno-lint-ignore require-await -- the cost of an async function is the point
  const take = async () => free.pop()!;

  const leasing = (name: string, once: () => Promise<void>): Contender => ({
    name,
    async run(times) {
      for (let index = 0; index < times; index++) await once();
    },
  });
  const bareList: Contender = {
    name: BARE,
    async run(times) {
      for (let index = 0; index < times; index++) free.push(await take());
    },
  };
  const own = await compare(
    [
      bareList,
      {
        name: "ballast",
        async run(times) {
          for (let index = 0; index < times; index++) (await manager.connect("echo")).release();
        },
      },
      {
        name: "ballast, unobserved",
        async run(times) {
          for (let index = 0; index < times; index++) (await unobserved.connect("echo")).release();
        },
      },
      {
        name: "ballast, three replicas",
        async run(times) {
          for (let index = 0; index < times; index++) (await replicas.connect("echo")).release();
        },
      },
    ],
    BARE,
    effort,
  );
  // Apart, each beside the same list: the timers and promises that these leave behind are collected in the others' time.
  const peers = await compare(
    [
      bareList,
      {
        name: "tarn",
        async run(times) {
          for (let index = 0; index < times; index++) tarn.release(await tarn.acquire().promise);
        },
      },
      {
        name: "generic-pool",
        async run(times) {
          for (let index = 0; index < times; index++) await generic.release(await generic.acquire());
        },
      },
    ],
    BARE,
    effort,
  );
  const lease = [...own, ...peers.slice(1)];

  const question = new Uint8Array(64).fill(97);
  const bare = await open();
  const echo = await compare(
    [
      leasing(REUSED, async () => {
        bare.write(question);
        for (let left = question.length; left > 0;) left -= await arrival(bare);
      }),
      leasing("ballast, a lease each time", async () => {
        const lease = await manager.connect("echo");
        await lease.write(question);
        for (let left = question.length; left > 0;) left -= (await lease.read())!.length;
        lease.release();
      }),
      leasing("generic-pool", async () => {
        const socket = await generic.acquire();
        socket.write(question);
        for (let left = question.length; left > 0;) left -= await arrival(socket);
        await generic.release(socket);
      }),
    ],
    REUSED,
    // A round trip takes as long as the machine is pleased to: many short rounds, of which the median ratio counts.
    { rounds: effort.rounds * 2, roundMs: effort.roundMs },
  );

  bare.destroy();
  for (const socket of free) socket.destroy();
  await tarn.destroy();
  await generic.drain();
  await generic.clear();
  server.close();
  return { lease, echo };
}

/** The next bytes: how many. */
function arrival(socket: Socket): Promise<number> {
  return new Promise((resolve) => socket.once("data", (bytes) => resolve(bytes.length)));
}

/** Says the costs to a person. */
export function printConnections(costs: ConnectionCosts): void {
  const titles = { lease: "A pooled connection, taken and given back", echo: "A round trip of 64 bytes" };
  for (const [part, rows] of Object.entries(costs)) {
    console.log(`\n${titles[part as keyof ConnectionCosts]}`);
    for (const { name, ns, ratio } of rows as readonly Cost[]) {
      console.log(`  ${name.padEnd(38)} ${ns.toFixed(0).padStart(7)} ns ${ratio.toFixed(2).padStart(8)}x`);
    }
  }
}
