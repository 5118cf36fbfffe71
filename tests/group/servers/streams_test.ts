import assert from "node:assert/strict";
import { test } from "node:test";
import { bufferedConnection } from "@ballast/runtime/connections";
import { deferred, dial, eventually, say, serve, silentRuntime, within } from "./support.ts";

test("a handler gets a lease that a buffered connection can be put on", async () => {
  await using served = await serve({
    streams: [{
      name: "lines",
      async handler(lease, { listener }) {
        const connection = bufferedConnection(lease);
        for (;;) {
          const line = new TextDecoder().decode(await connection.recvUntil("\n"));
          if (line === "quit") return;
          await connection.send(`${listener}: ${line}\n`);
        }
      },
    }],
  });
  using client = await dial(served.port);
  client.send("one\ntwo\n");
  await client.until(/lines: one\nlines: two\n/);
  client.send("quit\n");
  assert.equal(await client.ended(), "lines: one\nlines: two\n");
});

test("all that a handler has sent goes out before its connection is closed", async () => {
  const bytes = new Uint8Array(4 * 1_048_576).fill(97);
  await using served = await serve({
    streams: [{
      handler(lease) {
        assert.match(lease.remoteAddress, /^127\.0\.0\.1:\d+$/);
        void lease.write(bytes);
      },
    }],
  });
  assert.equal((await say(served.port, "")).length, bytes.length);
});

test("a handler that throws closes its connection and is logged; others go on", async () => {
  const runtime = silentRuntime();
  await using served = await serve({
    log: runtime.log,
    streams: [{
      name: "fragile",
      async handler(lease) {
        const text = new TextDecoder().decode(await lease.read());
        if (text === "break") throw new Error("broken");
        await lease.write(new TextEncoder().encode("fine"));
      },
    }],
  });
  assert.equal(await say(served.port, "break"), "");
  assert.equal(await say(served.port, "go on"), "fine");
  assert.equal(served.servers.snapshot().listeners[0]!.errors, 1);
  assert.equal(runtime.log.recent().filter(({ level }) => level === "error").length, 1);
  await runtime.close();
});

test("streams are held to the limits on connections", async () => {
  const go = deferred();
  await using served = await serve({
    limits: { maxConnections: 1, acceptQueueMaxLength: 1 },
    streams: [{
      async handler(lease) {
        await go.promise;
        await lease.write(new TextEncoder().encode("served"));
      },
    }],
  });
  const one = await dial(served.port);
  await eventually(() => served.servers.snapshot().listeners[0]!.open === 1, "one is served");
  const two = await dial(served.port);
  await eventually(() => served.servers.snapshot().listeners[0]!.waiting === 1, "one waits");
  const three = await dial(served.port);
  assert.equal(await three.ended(1_000), "");
  go.resolve();
  assert.equal(await one.ended(), "served");
  one.close();
  assert.equal(await two.ended(), "served");
  assert.deepEqual(served.refused(), { "queue full": 1 });
});

test("in a drain the signal of a stream aborts, so that its handler can say goodbye", async () => {
  await using served = await serve({
    streams: [{
      name: "ticks",
      async handler(lease, { signal }) {
        await lease.write(new TextEncoder().encode("hello "));
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        await lease.write(new TextEncoder().encode("goodbye"));
      },
    }],
  });
  using client = await dial(served.port);
  await client.until(/hello /);
  const report = within(served.servers.drain({ timeoutMs: 5_000 }), 4_000);
  assert.equal(await client.ended(), "hello goodbye");
  client.close();
  const { finished, cut } = await report;
  assert.equal(finished, 1);
  assert.deepEqual(cut, {});
});

test("a connection can be handed over to a client of its own", async () => {
  await using served = await serve({
    streams: [{
      handler(lease) {
        const stream = lease.handOver() as import("node:net").Socket;
        stream.on("data", (bytes) => void stream.end(`raw ${bytes}`));
        stream.resume();
      },
    }],
  });
  assert.equal(await say(served.port, "x"), "raw x");
});
