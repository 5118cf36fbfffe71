import assert from "node:assert/strict";
import { test } from "node:test";
import { BallastError } from "@ballast/runtime";
import {
  type Client,
  deferred,
  dial,
  eventually,
  get,
  say,
  serve,
  silentRuntime,
  within,
} from "./support.ts";

test("the newest connection is closed at once when the accept queue is full, and those that wait are served", async () => {
  const go = deferred();
  await using served = await serve({
    limits: { maxConnections: 2, acceptQueueMaxLength: 3 },
    apps: [{
      name: "web",
      async fetch() {
        await go.promise;
        return new Response("served");
      },
    }],
  });
  const clients: Client[] = [];
  for (let count = 0; count < 5; count++) {
    const client = await dial(served.port);
    client.send(get("/", "connection: close\r\n"));
    clients.push(client);
  }
  const now = () => served.servers.snapshot().listeners[0]!;
  await eventually(() => now().open === 2 && now().waiting === 3, "two are served and three wait");
  const newest = await dial(served.port);
  assert.equal(await newest.ended(1_000), "");
  assert.deepEqual(served.refused(), { "queue full": 1 });
  assert.equal(now().waiting, 3);
  go.resolve();
  for (const client of clients) assert.match(await client.ended(), /served$/);
  const finding = served.servers.report().findings!.find(({ id }) => id === "refused-queue-full-web")!;
  assert.match(finding.evidence, /acceptQueueMaxLength \(3\)/);
  const labels = { listener: "web", reason: "queue full" };
  assert.equal(served.stats.counter("servers.refused", { labels }).value, 1);
});

test("an idle connection makes room for a new one", async () => {
  await using served = await serve({
    limits: { maxConnections: 1, acceptQueueMaxLength: 0 },
    apps: [{ fetch: () => new Response("ok") }],
  });
  using idle = await dial(served.port);
  idle.send(get());
  await idle.until(/ok$/);
  await eventually(() => served.servers.snapshot().listeners[0]!.phases.idle === 1, "it is not idle");
  assert.match(await say(served.port, get("/", "connection: close\r\n")), /ok$/);
  await idle.ended();
  assert.equal(served.servers.snapshot().listeners[0]!.evicted, 1);
  assert.deepEqual(served.refused(), {});
});

test("a client address has so many connections and no more", async () => {
  await using served = await serve({
    limits: { maxConnectionsPerClient: 2 },
    apps: [{ fetch: () => new Response("ok") }],
  });
  const first = await dial(served.port);
  using _second = await dial(served.port);
  await eventually(() => served.servers.snapshot().listeners[0]!.open === 2, "two are open");
  const third = await dial(served.port);
  assert.equal(await third.ended(1_000), "");
  assert.deepEqual(served.refused(), { "client limit": 1 });
  first.close();
  await eventually(() => served.servers.snapshot().listeners[0]!.open === 1, "one is left");
  assert.match(await say(served.port, get("/", "connection: close\r\n")), /ok$/);
});

test("headers that are too long are 431", async () => {
  await using served = await serve({
    limits: { maxHeaderBytes: 4_096 },
    apps: [{ fetch: () => new Response("ok") }],
  });
  assert.match(await say(served.port, get("/", `x: ${"a".repeat(9_000)}\r\n`)), /^HTTP\/1\.1 431 /);
  assert.match(await say(served.port, get("/", `x: ${"a".repeat(2_000)}\r\nconnection: close\r\n`)), /ok$/);
  assert.deepEqual(served.refused(), { "header length": 1 });
});

test("a body that is too long is 413: by its length before the app sees it, in chunks as it is read", async () => {
  let calls = 0;
  await using served = await serve({
    limits: { maxBodyBytes: 1_000 },
    apps: [{
      async fetch(request) {
        calls++;
        return new Response(String((await request.text()).length));
      },
    }],
  });
  using one = await dial(served.port);
  one.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1001\r\n\r\n");
  await one.until(/^HTTP\/1\.1 413 /);
  assert.equal(calls, 0);
  using expecting = await dial(served.port);
  expecting.send("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1001\r\n\r\n");
  assert.match(await expecting.until(/\r\n\r\n/), /^HTTP\/1\.1 413 /);
  using chunked = await dial(served.port);
  const chunk = `1f4\r\n${"a".repeat(500)}\r\n`;
  chunked.send(`POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunk}${chunk}${chunk}`);
  await chunked.until(/^HTTP\/1\.1 413 /);
  assert.equal(calls, 1);
  using good = await dial(served.port);
  good.send(`POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`);
  await good.until(/1000$/);
  using waiting = await dial(served.port);
  waiting.send("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
  await waiting.until(/^HTTP\/1\.1 100 /);
  waiting.send("four");
  await waiting.until(/ 200 [^]*4$/);
  assert.deepEqual(served.refused(), { "body length": 3 });
});

test("headers that do not come in time are 408; silence is simply closed", async () => {
  await using served = await serve({
    limits: { headersTimeoutMs: 150 },
    apps: [{ fetch: () => new Response("ok") }],
  });
  using slow = await dial(served.port);
  slow.send("GET / HTTP/1.1\r\nhost: x\r\n");
  assert.match(await slow.ended(), /^HTTP\/1\.1 408 /);
  using silent = await dial(served.port);
  assert.equal(await silent.ended(), "");
  // Also those of a later request on a connection that had behaved well.
  using second = await dial(served.port);
  second.send(get());
  await second.until(/ok$/);
  second.send("GET / HT");
  assert.match(await second.ended(), /ok[^]*HTTP\/1\.1 408 /);
  assert.deepEqual(served.refused(), { "header timeout": 3 });
});

test("a body that does not come in time is 408", async () => {
  const failed = deferred<unknown>();
  await using served = await serve({
    limits: { bodyTimeoutMs: 150 },
    apps: [{
      async fetch(request) {
        try {
          return new Response(await request.text());
        } catch (error) {
          failed.resolve(error);
          throw error;
        }
      },
    }],
  });
  using client = await dial(served.port);
  client.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf");
  await client.until(/^HTTP\/1\.1 408 /);
  const error = await within(failed.promise, 2_000);
  assert.ok(error instanceof BallastError && error.code === "TIMEOUT", String(error));
  assert.deepEqual(served.refused(), { "body timeout": 1 });
  assert.equal(served.servers.snapshot().listeners[0]!.errors, 0);
});

test("a connection without a request is closed after a while", async () => {
  await using served = await serve({
    limits: { idleTimeoutMs: 150 },
    apps: [{ fetch: () => new Response("ok") }],
  });
  using client = await dial(served.port);
  client.send(get());
  await client.until(/ok$/);
  assert.match(await client.ended(2_000), /ok$/);
  assert.equal(served.servers.snapshot().listeners[0]!.idleClosed, 1);
  assert.deepEqual(served.refused(), {});
});

test("an app that does not answer in time: 504, its signal aborts, and what it answers later is dropped", async () => {
  const aborted = deferred<unknown>();
  const cancelled = deferred();
  await using served = await serve({
    limits: { requestTimeoutMs: 150 },
    apps: [{
      async fetch(request) {
        await new Promise((resolve) =>
          request.signal.addEventListener("abort", () => {
            aborted.resolve(request.signal.reason);
            resolve(undefined);
          })
        );
        return new Response(new ReadableStream({ cancel: () => cancelled.resolve() }));
      },
    }],
  });
  using client = await dial(served.port);
  client.send(get());
  await client.until(/^HTTP\/1\.1 504 /);
  const error = await within(aborted.promise, 2_000);
  assert.ok(error instanceof BallastError && error.code === "TIMEOUT");
  await within(cancelled.promise, 2_000);
  assert.deepEqual(served.refused(), { "request timeout": 1 });
});

test("a response may stream for longer than a request may take", async () => {
  await using served = await serve({
    limits: { requestTimeoutMs: 400, bodyTimeoutMs: 400, headersTimeoutMs: 400, idleTimeoutMs: 400 },
    apps: [{
      fetch() {
        let count = 0;
        return new Response(
          new ReadableStream({
            async pull(controller) {
              await new Promise((resolve) => setTimeout(resolve, 100));
              if (count++ === 5) controller.close();
              else controller.enqueue(new TextEncoder().encode(`[${count}]`));
            },
          }),
        );
      },
    }],
  });
  using client = await dial(served.port);
  client.send(get());
  assert.match(await client.until(/\r\n0\r\n\r\n$/), /\[5\]/);
});

test("a client that takes nothing of its response is cut, one that is slow is not", async () => {
  const body = new Uint8Array(24 * 1_048_576);
  await using served = await serve({
    limits: { sendTimeoutMs: 400 },
    apps: [{ fetch: () => new Response(body) }],
  });
  using stuck = await dial(served.port);
  stuck.socket.pause();
  stuck.send(get());
  await eventually(() => served.refused()["send timeout"] === 1, "it was not cut", 10_000);
  await eventually(() => served.servers.snapshot().listeners[0]!.open === 0, "it is still open");
  const slow = await dial(served.port);
  let bytes = 0;
  slow.socket.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes % 1_048_576 < chunk.length) {
      slow.socket.pause();
      setTimeout(() => slow.socket.resume(), 40);
    }
  });
  slow.send(get("/", "connection: close\r\n"));
  await eventually(() => bytes > body.length, `the slow one got ${bytes} bytes`, 20_000);
  assert.equal(served.refused()["send timeout"], 1);
});

test("a connection is closed after so many requests", async () => {
  await using served = await serve({
    limits: { maxRequestsPerConnection: 2 },
    apps: [{ fetch: () => new Response("ok") }],
  });
  using client = await dial(served.port);
  client.send(get());
  await client.until(/keep-alive[^]*ok$/i);
  client.send(get());
  assert.match(await client.ended(), /connection: close[^]*ok$/i);
});

test("a client that leaves in the middle of its body fails its reader, and is no error of the app", async () => {
  const failed = deferred<unknown>();
  await using served = await serve({
    log: silentRuntime().log,
    apps: [{
      async fetch(request) {
        try {
          return new Response(await request.text());
        } catch (error) {
          failed.resolve(error);
          throw error;
        }
      },
    }],
  });
  const client = await dial(served.port);
  client.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf");
  await eventually(() => served.servers.snapshot().listeners[0]!.inFlight === 1, "it did not come");
  client.close();
  const error = await within(failed.promise, 2_000);
  assert.ok(error instanceof BallastError && error.code === "CONNECTION_ENDED", String(error));
  await eventually(() => served.servers.snapshot().listeners[0]!.open === 0, "it is still open");
  assert.equal(served.servers.snapshot().listeners[0]!.errors, 0);
});

test("an answer before the whole body has come: the rest is thrown away, and the connection lives on or ends", async () => {
  await using served = await serve({ apps: [{ fetch: () => new Response("early") }] });
  using client = await dial(served.port);
  client.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf");
  await client.until(/early$/);
  const { phases } = served.servers.snapshot().listeners[0]!;
  // Deno closes such a connection by itself.
  assert.ok(phases.discarding === 1 || phases.idle === undefined, JSON.stringify(phases));
});
