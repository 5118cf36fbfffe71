import assert from "node:assert/strict";
import { test } from "node:test";
import { type Client, deferred, dial, eventually, get, serve, within } from "./support.ts";

test("a drain finishes what is under way, closes what is idle, and accepts no more", async () => {
  const go = deferred();
  await using served = await serve({
    apps: [{
      async fetch(request) {
        if (new URL(request.url).pathname === "/slow") await go.promise;
        return new Response("done");
      },
    }],
  });
  using idle = await dial(served.port);
  idle.send(get());
  await idle.until(/done$/);
  using busy = await dial(served.port);
  busy.send(get("/slow"));
  await eventually(() => served.servers.snapshot().listeners[0]!.inFlight === 1, "it did not come");
  const drained = within(served.servers.drain({ timeoutMs: 5_000 }), 4_000);
  await idle.ended(2_000);
  assert.equal(served.servers.state, "draining");
  await assert.rejects(fetch(served.url), "a new connection was accepted");
  assert.equal(busy.received(), "");
  go.resolve();
  assert.match(await busy.ended(), /connection: close[^]*done$/i);
  const report = await drained;
  assert.deepEqual([report.finished, report.cut], [1, {}]);
  assert.equal(served.servers.state, "closed");
  assert.equal(await served.servers.drain({ timeoutMs: 1 }), report, "a second drain shares the result");
  await served.servers.close();
  await served.servers.close();
});

test("what does not finish in time is cut, and counted by name", async () => {
  await using served = await serve({
    apps: [{ name: "stuck", fetch: () => new Promise<Response>(() => {}) }],
    streams: [{ name: "deaf", handler: () => new Promise<void>(() => {}) }],
  });
  const clients: Client[] = [];
  for (let count = 0; count < 3; count++) {
    const client = await dial(served.portOf("stuck"));
    client.send(get());
    clients.push(client, await dial(served.portOf("deaf")));
  }
  const inFlight = () => served.servers.snapshot().listeners.map((listener) => listener.inFlight);
  await eventually(() => inFlight().every((count) => count === 3), "they did not come");
  const { finished, cut, tookMs } = await within(served.servers.drain({ timeoutMs: 200 }), 3_000);
  assert.equal(finished, 0);
  assert.deepEqual(cut, { stuck: 3, deaf: 3 });
  assert.ok(tookMs >= 190 && tookMs < 2_000, `${tookMs} ms`);
  for (const client of clients) assert.equal(await client.ended(), "");
});

test("connections in the accept queue, and new ones whose request is on its way, are served in a drain", async () => {
  const go = deferred();
  await using served = await serve({
    limits: { maxConnections: 1 },
    apps: [{
      async fetch() {
        await go.promise;
        return new Response("served");
      },
    }],
  });
  const clients: Client[] = [];
  for (let count = 0; count < 4; count++) {
    const client = await dial(served.port);
    client.send(get());
    clients.push(client);
  }
  await eventually(() => served.servers.snapshot().listeners[0]!.waiting === 3, "three wait");
  const drained = within(served.servers.drain({ timeoutMs: 5_000 }), 4_500);
  go.resolve();
  for (const client of clients) assert.match(await client.ended(), /served$/);
  assert.equal((await drained).finished, 4);
});

test("a connection that was just opened may still send its request", async () => {
  await using served = await serve({ apps: [{ fetch: () => new Response("in time") }] });
  using client = await dial(served.port);
  await eventually(() => served.servers.snapshot().listeners[0]!.open === 1, "it is not open");
  const drained = within(served.servers.drain({ timeoutMs: 5_000 }), 4_500);
  await new Promise((resolve) => setTimeout(resolve, 100));
  client.send(get());
  assert.match(await client.ended(), /in time$/);
  assert.equal((await drained).finished, 1);
  // And one that never does holds a drain up for a second or two, not for all of its time.
  await using other = await serve({ apps: [{ fetch: () => new Response("x") }] });
  using _silent = await dial(other.port);
  await eventually(() => other.servers.snapshot().listeners[0]!.open === 1, "it is not open");
  assert.ok((await other.servers.drain({ timeoutMs: 20_000 })).tookMs < 6_000);
});

test("under load a drain loses no request that was accepted", async () => {
  await using served = await serve({
    apps: [{
      async fetch() {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return new Response("answered");
      },
    }],
  });
  let sent = 0;
  let answered = 0;
  let broken = 0;
  let isOver = false;
  async function client(): Promise<void> {
    while (!isOver) {
      const connection = await dial(served.port);
      if (connection.socket.destroyed) return;
      sent++;
      connection.send(get("/", "connection: close\r\n"));
      const text = await connection.ended();
      if (/answered$/.test(text)) answered++;
      // What the kernel had accepted and we had not is reset when the listener closes: nobody had begun to serve it.
      else if (served.servers.state === "listening") broken++;
      connection.close();
    }
  }
  const clients = Array.from({ length: 20 }, client);
  await eventually(() => served.servers.snapshot().listeners[0]!.accepted > 200, "no load", 20_000);
  const report = await within(served.servers.drain({ timeoutMs: 5_000 }), 5_000);
  isOver = true;
  await within(Promise.all(clients), 6_000);
  assert.deepEqual(report.cut, {});
  assert.equal(broken, 0);
  const listener = served.servers.snapshot().listeners[0]!;
  assert.equal(listener.requests, answered, `${sent} sent, ${listener.accepted} accepted`);
});
