import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { dial, eventually, get, serve } from "./support.ts";

/** Opens connections that say something; an error is their end. */
async function open(port: number, count: number, text: string): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let begun = 0; begun < count; begun += 100) {
    const batch = Array.from({ length: Math.min(100, count - begun) }, () => connect(port, "127.0.0.1"));
    await Promise.all(batch.map((socket) =>
      new Promise<void>((resolve) => {
        socket.on("error", () => resolve());
        socket.on("close", () => resolve());
        socket.on("connect", () => {
          if (text !== "") socket.write(text);
          resolve();
        });
        socket.on("data", () => {});
      })
    ));
    sockets.push(...batch);
  }
  return sockets;
}

/** The slowest answer of a listener while something else goes on. */
async function slowest(url: string, work: () => Promise<void>): Promise<number> {
  let isOver = false;
  let worstMs = 0;
  const asking = (async () => {
    while (!isOver) {
      const startedAt = performance.now();
      const response = await fetch(url);
      assert.equal(await response.text(), "healthy");
      worstMs = Math.max(worstMs, performance.now() - startedAt);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  await work();
  isOver = true;
  await asking;
  return worstMs;
}

test("500 connections that send their headers in drops are ended, and other listeners answer meanwhile", async () => {
  await using served = await serve({
    limits: { headersTimeoutMs: 600 },
    apps: [
      { name: "web", fetch: () => new Response("ok") },
      { name: "health", fetch: () => new Response("healthy") },
    ],
  });
  const now = () => served.servers.snapshot().listeners[0]!;
  const worstMs = await slowest(`http://127.0.0.1:${served.portOf("health")}`, async () => {
    const sockets = await open(served.portOf("web"), 500, "GET / HTTP/1.1\r\nhost: x\r\n");
    const dripping = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write("x: y\r\n");
    }, 100);
    try {
      await eventually(() => now().open === 0 && now().accepted === 500, "some are still open", 10_000);
    } finally {
      clearInterval(dripping);
      for (const socket of sockets) socket.destroy();
    }
  });
  assert.equal(served.refused("web")["header timeout"], 500);
  // Generous: others use this machine, and the clients are in this process.
  assert.ok(worstMs < 1_000, `the slowest answer took ${worstMs} ms`);
});

test("idle connections by the thousand cost little, and all are closed in the end", async () => {
  const count = 2_000;
  await using served = await serve({
    limits: { idleTimeoutMs: 1_500 },
    apps: [
      { name: "web", fetch: () => new Response("ok") },
      { name: "health", fetch: () => new Response("healthy") },
    ],
  });
  const now = () => served.servers.snapshot().listeners[0]!;
  const worstMs = await slowest(`http://127.0.0.1:${served.portOf("health")}`, async () => {
    const sockets = await open(served.portOf("web"), count, get());
    await eventually(() => now().requests === count, "not all were served", 20_000);
    await eventually(() => now().open === 0, "some are still open", 20_000);
    for (const socket of sockets) socket.destroy();
  });
  assert.equal(now().idleClosed, count);
  assert.ok(now().peak > 0 && now().peak <= count);
  assert.ok(worstMs < 1_000, `the slowest answer took ${worstMs} ms`);
});

test("a flood of connections finds a bound: nothing grows, others are served, and after it so is everybody", async () => {
  await using served = await serve({
    limits: { maxConnections: 50, acceptQueueMaxLength: 50, headersTimeoutMs: 500 },
    apps: [
      { name: "web", fetch: () => new Response("ok") },
      { name: "health", fetch: () => new Response("healthy") },
    ],
  });
  const now = () => served.servers.snapshot().listeners[0]!;
  let most = 0;
  const worstMs = await slowest(`http://127.0.0.1:${served.portOf("health")}`, async () => {
    for (let wave = 0; wave < 5; wave++) {
      const sockets = await open(served.portOf("web"), 300, "");
      most = Math.max(most, now().open + now().waiting);
      for (const socket of sockets) socket.destroy();
    }
  });
  assert.ok(most <= 100, `${most} connections were held`);
  assert.ok(served.refused("web")["queue full"]! > 100, JSON.stringify(served.refused("web")));
  await eventually(() => now().open === 0 && now().waiting === 0, "connections are left");
  assert.equal(now().clients, 0);
  using client = await dial(served.portOf("web"));
  client.send(get());
  await client.until(/ok$/);
  assert.ok(worstMs < 1_000, `the slowest answer took ${worstMs} ms`);
});
