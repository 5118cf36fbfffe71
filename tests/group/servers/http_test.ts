import assert from "node:assert/strict";
import { test } from "node:test";
import { createStats } from "@ballast/runtime/stats";
import { createServerSet, requestPipeline } from "@ballast/runtime/group";
import { currentContext } from "@ballast/runtime/context";
import { deferred, dial, eventually, get, say, serve, silentRuntime, within } from "./support.ts";

test("an app gets whole requests and answers them", async () => {
  await using served = await serve({
    apps: [{
      name: "web",
      async fetch(request, info) {
        const { pathname, searchParams } = new URL(request.url);
        const body = request.method === "POST" ? await request.text() : null;
        return Response.json({
          method: request.method,
          pathname,
          q: searchParams.get("q"),
          header: request.headers.get("x-one"),
          body,
          ...info,
        }, { status: 201, headers: { "x-answer": "42" } });
      },
    }],
  });
  const response = await fetch(`${served.url}/path?q=ä`, {
    method: "POST",
    body: "hello",
    headers: { "x-one": "1" },
  });
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("x-answer"), "42");
  const { remoteAddress, ...rest } = await response.json();
  assert.match(remoteAddress, /^127\.0\.0\.1:\d+$/);
  assert.deepEqual(rest, {
    method: "POST",
    pathname: "/path",
    q: "ä",
    header: "1",
    body: "hello",
    listener: "web",
    secure: false,
    httpVersion: "1.1",
  });
});

test("the request is a real one: it can be cloned, copied and passed on", async () => {
  await using served = await serve({
    apps: [{
      async fetch(request) {
        const copy = new Request(request.clone(), { headers: { "x-two": "2" } });
        assert.ok(request instanceof Request);
        return Response.json([
          await copy.text(),
          copy.headers.get("x-two"),
          await request.text(),
          copy.method,
        ]);
      },
    }],
  });
  const response = await fetch(served.url, { method: "PUT", body: "twice" });
  assert.deepEqual(await response.json(), ["twice", "2", "twice", "PUT"]);
});

test("cookies stay apart, and a short body has its length", async () => {
  await using served = await serve({
    apps: [{
      fetch() {
        const headers = new Headers({ "content-type": "text/plain" });
        headers.append("set-cookie", "a=1");
        headers.append("set-cookie", "b=2; Path=/");
        return new Response("short", { headers });
      },
    }],
  });
  const text = await say(served.port, get("/", "connection: close\r\n"));
  assert.match(text, /set-cookie: a=1\r\n/i);
  assert.match(text, /set-cookie: b=2; Path=\/\r\n/i);
  assert.match(text, /content-length: 5\r\n/i);
  assert.ok(text.endsWith("\r\n\r\nshort"));
});

test("HEAD, 204 and 304 have no body, and the connection lives on", async () => {
  await using served = await serve({
    apps: [{
      fetch(request) {
        const { pathname } = new URL(request.url);
        if (pathname === "/empty") return new Response(null, { status: 204 });
        if (pathname === "/same") return new Response(null, { status: 304, headers: { etag: '"x"' } });
        return new Response("body", { headers: { "content-length": "4" } });
      },
    }],
  });
  using client = await dial(served.port);
  client.send("HEAD / HTTP/1.1\r\nhost: x\r\n\r\n");
  await client.until(/content-length: 4\r\n[^]*\r\n\r\n$/i);
  client.send(get("/empty"));
  await client.until(/ 204 [^]*\r\n\r\n$/);
  client.send(get("/same"));
  await client.until(/ 304 [^]*\r\n\r\n$/);
  client.send(get("/"));
  await client.until(/ 200 [^]*\r\n\r\nbody$/);
});

test("what an app throws is a 500 and a record, and the server goes on", async () => {
  const errors: unknown[] = [];
  const runtime = silentRuntime();
  runtime.log.events.subscribe((event) => void errors.push(event));
  await using served = await serve({
    log: runtime.log,
    apps: [{
      name: "web",
      fetch(request) {
        const { pathname } = new URL(request.url);
        if (pathname === "/throws") throw new Error("secret detail");
        if (pathname === "/rejects") return Promise.reject(new Error("secret detail"));
        if (pathname === "/nothing") return undefined as unknown as Response;
        return new Response("fine");
      },
    }],
  });
  for (const path of ["/throws", "/rejects", "/nothing"]) {
    const response = await fetch(served.url + path);
    assert.equal(response.status, 500, path);
    assert.doesNotMatch(await response.text(), /secret/);
  }
  assert.equal(await (await fetch(served.url)).text(), "fine");
  assert.equal(served.servers.snapshot().listeners[0]!.errors, 3);
  const records = runtime.log.recent().filter(({ level }) => level === "error");
  assert.equal(records.length, 3);
  await runtime.close();
});

test("a response is streamed as it is made, and held back by a slow client", async () => {
  let pulled = 0;
  const piece = new Uint8Array(65_536);
  await using served = await serve({
    apps: [{
      fetch: () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              if (pulled++ >= 400) controller.close();
              else controller.enqueue(piece);
            },
          }, { highWaterMark: 0 }),
        ),
    }],
  });
  using client = await dial(served.port);
  client.socket.pause();
  client.send(get());
  await eventually(() => pulled > 2, "nothing was pulled");
  let seen = 0;
  // Kernel buffers take a few megabytes; then nothing moves.
  while (seen !== pulled) {
    seen = pulled;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(pulled < 300, `a client that reads nothing was sent ${pulled} of 400 pieces`);
  client.socket.resume();
  await eventually(() => pulled === 401, "the rest was not sent", 15_000);
});

test("a request's body is held back while the app does not read it", async () => {
  const go = deferred();
  await using served = await serve({
    limits: { maxBodyBytes: 2 ** 30 },
    apps: [{
      async fetch(request) {
        await go.promise;
        let bytes = 0;
        for await (const chunk of request.body!) bytes += chunk.length;
        return new Response(String(bytes));
      },
    }],
  });
  using client = await dial(served.port);
  const length = 40 * 1_048_576;
  client.send(`POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${length}\r\n\r\n`);
  client.socket.write(new Uint8Array(length));
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok(client.socket.writableLength > 0, "all of it was taken though nobody reads it");
  go.resolve();
  assert.match(await client.ended(15_000), new RegExp(`${length}$`));
});

test("when the client leaves, the signal aborts and the response's body is cancelled", async () => {
  const aborted = deferred<unknown>();
  const cancelled = deferred<unknown>();
  await using served = await serve({
    apps: [{
      fetch(request) {
        if (new URL(request.url).pathname === "/wait") {
          request.signal.addEventListener("abort", () => aborted.resolve(request.signal.reason));
          return new Promise<Response>(() => {});
        }
        return new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode("first")),
            cancel: (reason) => cancelled.resolve(reason),
          }),
        );
      },
    }],
  });
  const one = await dial(served.port);
  one.send(get("/wait"));
  await eventually(() => served.servers.snapshot().listeners[0]!.inFlight === 1, "the request did not come");
  one.close();
  assert.equal((await within(aborted.promise, 5_000) as Error).name, "AbortError");
  const two = await dial(served.port);
  two.send(get("/stream"));
  await two.until(/first/);
  two.close();
  await within(cancelled.promise, 5_000);
  await eventually(() => served.servers.snapshot().listeners[0]!.open === 0, "connections are left");
});

test("a response's body that fails cuts the connection, so that nobody takes it for whole", async () => {
  await using served = await serve({
    log: silentRuntime().log,
    apps: [{
      fetch: () => {
        let pieces = 0;
        return new Response(
          new ReadableStream({
            async pull(controller) {
              await new Promise((resolve) => setTimeout(resolve, 20));
              if (pieces++ === 2) throw new Error("broken");
              controller.enqueue(new TextEncoder().encode("piece"));
            },
          }),
        );
      },
    }],
  });
  const text = await say(served.port, get());
  assert.match(text, /piece/);
  assert.doesNotMatch(text, /\r\n0\r\n\r\n$/);
  assert.equal(served.servers.snapshot().listeners[0]!.errors, 1);
});

test("requests that are sent at once are answered in their order", async () => {
  await using served = await serve({
    apps: [{
      async fetch(request) {
        const { pathname } = new URL(request.url);
        if (pathname === "/1") await new Promise((resolve) => setTimeout(resolve, 50));
        return new Response(pathname);
      },
    }],
  });
  const text = await say(served.port, get("/1") + get("/2") + get("/3", "connection: close\r\n"));
  assert.deepEqual(text.match(/\r\n\r\n\/\d/g), ["\r\n\r\n/1", "\r\n\r\n/2", "\r\n\r\n/3"]);
});

test("a request of HTTP/1.0 is answered, and its connection closed", async () => {
  await using served = await serve({
    apps: [{ fetch: (request) => new Response(new URL(request.url).pathname) }],
  });
  assert.match(await say(served.port, "GET /old HTTP/1.0\r\n\r\n"), /\/old$/);
});

test("what cannot be a request is refused: 400, and no app sees it", async () => {
  let calls = 0;
  await using served = await serve({
    apps: [{
      fetch() {
        calls++;
        return new Response();
      },
    }],
  });
  const bad = [
    "GARBAGE\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: a/b?c\r\nconnection: close\r\n\r\n",
    "GET nopath HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    "GET / HTTP/1.1\r\nhost: x\r\nbad header: 1\r\n\r\n",
    "TRACE / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  ];
  for (const text of bad) {
    assert.match(await say(served.port, text), /^HTTP\/1\.1 400 /, JSON.stringify(text));
  }
  assert.equal(calls, 0);
  assert.ok(served.refused().malformed! >= 6);
});

test("an app behind the pipeline has a context, its deadline and overload control", async () => {
  const runtime = silentRuntime();
  await using served = await serve({
    wrap: requestPipeline(runtime),
    apps: [{
      fetch: () =>
        new Response(`${currentContext()!.trace!.traceId} ${currentContext()!.remainingMs <= 5_000}`),
    }],
  });
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  const response = await fetch(served.url, { headers: { traceparent, "x-deadline-ms": "5000" } });
  assert.equal(await response.text(), `${traceId} true`);
  assert.equal((await fetch(served.url, { headers: { "x-deadline-ms": "0" } })).status, 504);
  await runtime.close();
});

test("requests, connections and bytes are counted", async () => {
  await using served = await serve({ apps: [{ name: "web", fetch: () => new Response("x".repeat(1_000)) }] });
  for (let time = 0; time < 3; time++) await say(served.port, get("/", "connection: close\r\n"));
  await eventually(() => served.servers.snapshot().listeners[0]!.open === 0, "connections are left");
  const labels = { listener: "web" };
  assert.equal(served.stats.counter("servers.accepted", { labels }).value, 3);
  assert.equal(served.stats.counter("servers.requests", { labels: { ...labels, status: "2xx" } }).value, 3);
  assert.equal(served.stats.distribution("servers.duration", { labels }).count, 3);
  const out =
    served.stats.counter("servers.traffic", { unit: "bytes", labels: { ...labels, way: "out" } }).value;
  assert.ok(out > 3_000, `${out} bytes went out`);
  const report = served.servers.report();
  assert.equal(report.tables!.find(({ id }) => id === "listeners")!.rows[0]![0], "web");
});

test("options that make no sense are refused by name", async () => {
  const fetch = () => new Response();
  assert.throws(
    () => createServerSet({ apps: [{ name: "a", fetch, port: 70_000 }] }),
    /app "a": port must be/,
  );
  assert.throws(
    () => createServerSet({ apps: [{ name: "a", fetch, port: 1, path: "/x" }] }),
    /a port and a path/,
  );
  assert.throws(
    () => createServerSet({ apps: [{ name: "a", fetch }, { name: "a", fetch }] }),
    /two listeners have the name "a"/,
  );
  assert.throws(() => createServerSet({ apps: [{ name: "a" } as never] }), /fetch must be a function/);
  assert.throws(
    () => createServerSet({ limits: { maxBodyBytes: -1 }, apps: [{ name: "a", fetch }] }),
    /limits.maxBodyBytes must be/,
  );
  await using served = await serve({ apps: [{ fetch }] });
  const stats = createStats();
  const twice = createServerSet({
    stats,
    apps: [{ name: "b", fetch, hostname: "127.0.0.1", port: served.port }],
  });
  await assert.rejects(twice.listen(), (error: Error & { code?: string }) => {
    assert.equal(error.code, "EADDRINUSE");
    assert.match(error.message, /^listener "b": /);
    return true;
  });
});
