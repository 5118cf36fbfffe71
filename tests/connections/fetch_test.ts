import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createTcpServer, type Socket } from "node:net";
import { test as always } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";

import { BallastError, createContext, createRuntime } from "@ballast/runtime";
import { type ConnectError, createConnectionManager, createFetch } from "@ballast/runtime/connections";
import { body, causeOf, closedPort, echo, inUse, listen, until, withManager } from "./http_peer.ts";

/** Bun puts a fetch of its own in the place of undici's: there endpoints are refused. */
const test = "Bun" in globalThis ? always.skip : always;

test("an endpoint, an alias, a name and an address are hosts", async () => {
  const peer = await listen(echo);
  await withManager({ payments: { tiers: [[peer.address]] } }, async (manager) => {
    const fetch = createFetch(manager);
    for (
      const origin of [
        "http://payments",
        "http://billing",
        `http://shop.test:${peer.port}`,
        `http://127.0.0.1:${peer.port}`,
      ]
    ) {
      const response = await fetch(`${origin}/charge?x=1`, { method: "POST", body: "forty-two" });
      assert.ok(response instanceof Response);
      assert.equal(response.url, `${origin}/charge?x=1`);
      assert.equal(response.redirected, false);
      const seen = await response.json();
      assert.equal(seen.method, "POST");
      assert.equal(seen.url, "/charge?x=1");
      assert.equal(seen.body, "forty-two");
      assert.equal(seen.headers.host, new URL(origin).host);
      assert.equal(seen.headers["content-length"], "9");
    }
  }, { billing: "payments" });
  await peer.kill();
});

test("requests in a row share one connection, and a manager's own leases stay apart from it", async () => {
  const peer = await listen(echo);
  await withManager({ payments: { tiers: [[peer.address]] } }, async (manager) => {
    const fetch = createFetch(manager);
    for (let count = 0; count < 5; count++) await (await fetch("http://payments/")).text();
    assert.equal(peer.sockets.size, 1);
    const lease = await manager.connect("payments");
    assert.equal(lease.uses, 1);
    lease.close();
  });
  await peer.kill();
});

test("an endpoint whose connections are wrapped is refused, unless nothing is made of them", async () => {
  const peer = await listen(echo);
  const tiers = [[peer.address]];
  let greeted = 0;
  const endpoints = {
    rich: { tiers, wrap: () => ({ client: true }) },
    plain: { tiers, wrap: () => void greeted++ },
  };
  await withManager(endpoints, async (manager) => {
    const fetch = createFetch(manager);
    await assert.rejects(fetch("http://rich/", { method: "POST", body: "x" }), (error: TypeError) => {
      const { code, message } = error.cause as BallastError;
      assert.equal(code, "UNSUPPORTED");
      assert.match(message, /^endpoint "rich" has a `wrap` that makes something of its connections/);
      return true;
    });
    assert.equal(inUse(manager), 0);
    for (let count = 0; count < 2; count++) await (await fetch("http://plain/")).text();
    assert.equal(greeted, 1);
  });
  await peer.kill();
});

test("every kind of body arrives", async () => {
  const peer = await listen(echo);
  await withManager({ payments: { tiers: [[peer.address]] } }, async (manager) => {
    const fetch = createFetch(manager);
    const sent = async (init: RequestInit | Request) => {
      const response = init instanceof Request
        ? await fetch(init)
        : await fetch("http://payments/", { method: "POST", ...init });
      return await response.json();
    };
    assert.equal((await sent({ body: new URLSearchParams({ a: "1" }) })).body, "a=1");
    assert.equal((await sent({ body: new TextEncoder().encode("bytes") })).body, "bytes");
    assert.equal((await sent({ body: new Blob(["blob"]) })).body, "blob");
    const form = new FormData();
    form.append("field", "value");
    form.append("file", new File(["content"], "name.txt"));
    const { body: multipart } = await sent({ body: form });
    assert.match(multipart, /name="field"\r\n\r\nvalue/);
    assert.match(multipart, /filename="name.txt"[\s\S]*content/);
    let turn = 0;
    const stream = new ReadableStream({
      pull: (controller) => ++turn > 3 ? controller.close() : controller.enqueue(new Uint8Array([64 + turn])),
    });
    assert.equal((await sent({ body: stream, duplex: "half" } as RequestInit)).body, "ABC");
    const request = new Request("http://payments/path", {
      method: "PUT",
      headers: { "x-one": "1" },
      body: "whole",
    });
    const seen = await sent(request);
    assert.deepEqual([seen.method, seen.url, seen.headers["x-one"], seen.body], [
      "PUT",
      "/path",
      "1",
      "whole",
    ]);
  });
  await peer.kill();
});

test("redirects are followed, compressed bodies are read, several cookies stay several", async () => {
  const peer = await listen((request, response) => {
    if (request.url === "/old") return response.writeHead(302, { location: "/new" }).end();
    response.setHeader("set-cookie", ["a=1", "b=2"]);
    response.setHeader("content-encoding", "gzip");
    response.end(gzipSync("moved"));
  });
  assert.equal(gunzipSync(gzipSync("moved")).toString(), "moved");
  await withManager({ payments: { tiers: [[peer.address]] } }, async (manager) => {
    const fetch = createFetch(manager);
    const response = await fetch("http://payments/old");
    assert.equal(response.redirected, true);
    assert.equal(response.url, "http://payments/new");
    assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
    assert.equal(await response.text(), "moved");
    const kept = await fetch("http://payments/old", { redirect: "manual" });
    assert.equal(kept.status, 302);
    await kept.body?.cancel();
    await assert.rejects(fetch("http://payments/old", { redirect: "error" }), TypeError);
    await until(() => inUse(manager) === 0, "every connection is back or closed");
  });
  await peer.kill();
});

test("a dead tier is passed by, for any method: nothing of the request was sent", async () => {
  const dead = await closedPort();
  const peer = await listen(echo);
  const tiers = [[`127.0.0.1:${dead}`], [peer.address]];
  await withManager({ payments: { tiers } }, async (manager) => {
    const fetch = createFetch(manager);
    const response = await fetch("http://payments/", { method: "POST", body: "once" });
    assert.equal((await response.json()).body, "once");
    assert.equal(peer.requests.length, 1);
  });
  await peer.kill();
});

test("when every address fails the cause lists each of them", async () => {
  const [one, two] = [await closedPort(), await closedPort()];
  await withManager(
    { payments: { tiers: [[`127.0.0.1:${one}`], [`127.0.0.1:${two}`]] } },
    async (manager) => {
      const cause = await causeOf(createFetch(manager)("http://payments/"));
      assert.equal(cause.code, "CONNECT_FAILED");
      const tried = (cause as unknown as ConnectError).attempts.map(({ address }) => address);
      assert.deepEqual(tried, [`127.0.0.1:${one}`, `127.0.0.1:${two}`]);
    },
  );
});

test("a peer that dies in mid request: an idempotent one is sent elsewhere, another one is not", async () => {
  const dying = await listen((request) => request.socket.destroy());
  const peer = await listen(echo);
  const tiers = [[dying.address], [peer.address]];
  await withManager({ payments: { tiers, markdown: { failures: 1 } } }, async (manager) => {
    const fetch = createFetch(manager);
    const failed = await causeOf(fetch("http://payments/", { method: "POST", body: "once" }));
    assert.match(`${failed.code}`, /UND_ERR_SOCKET|ECONNRESET/);
    assert.deepEqual([dying.requests.length, peer.requests.length], [1, 0]);
    manager.markUp("payments");
    const response = await fetch("http://payments/", { method: "PUT", body: "twice" });
    assert.equal((await response.json()).body, "twice");
    assert.deepEqual([dying.requests.length, peer.requests.length], [2, 1]);
    assert.equal(manager.retries.snapshot().granted >= 1, true);
  });
  await Promise.all([dying.kill(), peer.kill()]);
});

test("a stream is sent again while all of it is kept, and not once it is longer", async () => {
  for (const [size, again] of [[1_000, true], [200_000, false]] as const) {
    const dying = await listen(async (request) => {
      await body(request);
      request.socket.destroy();
    });
    const peer = await listen(echo);
    const tiers = [[dying.address], [peer.address]];
    await withManager({ payments: { tiers, markdown: { failures: 1 } } }, async (manager) => {
      const fetch = createFetch(manager);
      let left = size;
      const stream = new ReadableStream({
        pull(controller) {
          if (left <= 0) return controller.close();
          controller.enqueue(new TextEncoder().encode("x".repeat(Math.min(1_000, left))));
          left -= 1_000;
        },
      });
      const call = fetch("http://payments/", { method: "PUT", body: stream, duplex: "half" } as RequestInit);
      if (again) assert.equal((await (await call).json()).body.length, size);
      else await causeOf(call);
      assert.equal(peer.requests.length, again ? 1 : 0);
    });
    await Promise.all([dying.kill(), peer.kill()]);
  }
});

test("retries stop at the manager's budget", async () => {
  const dying = await listen((request) => request.socket.destroy());
  const manager = createConnectionManager({
    endpoints: { payments: { tiers: [[dying.address]] } },
    retries: { ratio: 0, perSecond: 0 },
  });
  await causeOf(createFetch(manager)("http://payments/"));
  assert.equal(dying.requests.length, 1);
  await manager.close();
  await dying.kill();
});

test("a peer that closes an idle connection just as it is used again does no harm", async () => {
  // The second request on a connection is answered by its end, as by a server whose keep-alive is over.
  const seen = new WeakSet<Socket>();
  const peer = await listen((request, response) => {
    if (seen.has(request.socket)) return request.socket.destroy();
    seen.add(request.socket);
    response.end("ok");
  });
  await withManager({ payments: { tiers: [[peer.address]] } }, async (manager) => {
    const fetch = createFetch(manager);
    for (let count = 0; count < 5; count++) {
      assert.equal(await (await fetch("http://payments/")).text(), "ok");
    }
    const [address] = manager.snapshot().endpoints[0]!.addresses;
    assert.equal(address!.health, "up", "an idle connection's end says nothing of the address");
  });
  await peer.kill();
});

test("an abort ends a call at every phase, and leaves nothing", async () => {
  const silent = await listen(() => {});
  const halfway = await listen((_, response) => void response.writeHead(200).write("begun"));
  // Takes connections and says nothing: the TLS handshake hangs.
  const mute = createTcpServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
  await once(mute, "listening");
  const { port } = mute.address() as { port: number };
  await withManager({
    silent: { tiers: [[silent.address]] },
    halfway: { tiers: [[halfway.address]] },
    mute: { tiers: [[`127.0.0.1:${port}`]], tls: { serverName: "mute.test" } },
  }, async (manager) => {
    const fetch = createFetch(manager);
    const reason = new Error("not wanted any more");
    const open = (url: string, init: RequestInit = {}) => {
      const abort = new AbortController();
      return { abort, call: fetch(url, { ...init, signal: abort.signal }) };
    };
    const before = AbortSignal.abort(reason);
    await assert.rejects(fetch("http://silent/", { signal: before }), (error) => error === reason);
    assert.equal(silent.requests.length, 0);

    const connecting = open("https://mute/");
    await until(() => manager.snapshot().open === 1, "it connects");
    connecting.abort.abort(reason);
    await assert.rejects(connecting.call, (error) => error === reason);
    await until(() => manager.snapshot().open === 0, "the connection is given up");

    const waiting = open("http://silent/");
    await until(() => silent.requests.length === 1, "the request arrives");
    waiting.abort.abort(reason);
    await assert.rejects(waiting.call, (error) => error === reason);
    await until(() => silent.sockets.size === 0, "its connection is closed");

    let cancelled: unknown;
    const stream = new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        controller.enqueue(new Uint8Array(10));
      },
      cancel: (why) => void (cancelled = why ?? true),
    });
    const sending = open("http://silent/", { method: "POST", body: stream, duplex: "half" } as RequestInit);
    await until(() => silent.requests.length === 2, "the request begins");
    sending.abort.abort(reason);
    await assert.rejects(sending.call, (error) => error === reason);
    await until(() => silent.sockets.size === 0 && cancelled !== undefined, "body and connection are closed");

    const reading = open("http://halfway/");
    const response = await reading.call;
    reading.abort.abort(reason);
    await assert.rejects(response.text(), (error) => error === reason);
    await until(() => halfway.sockets.size === 0, "its connection is closed");

    const dropped = await open("http://halfway/").call;
    await dropped.body!.cancel();
    await until(() => halfway.sockets.size === 0, "cancelling the body closes its connection");
    assert.equal(manager.snapshot().open, 0);
    assert.ok(manager.snapshot().endpoints.every(({ addresses }) => addresses[0]!.health === "up"));
  });
  await Promise.all([silent.kill(), halfway.kill()]);
  mute.close();
});

test("the deadline of the context ends a call, and travels on", async () => {
  const peer = await listen((request, response) => {
    if (request.url === "/hang") return;
    response.end(request.headers["x-deadline-ms"] ?? "none");
  });
  await withManager({ payments: { tiers: [[peer.address]] } }, async (manager) => {
    const fetch = createFetch(manager);
    assert.equal(await (await fetch("http://payments/")).text(), "none");
    const service = createContext({ name: `fetch-test-${peer.port}` });
    try {
      const roomy = service.child({ deadlineMs: 60_000 });
      const left = Number(await roomy.run(async () => await (await fetch("http://payments/")).text()));
      assert.ok(left > 30_000 && left <= 60_000, `${left} ms are left`);
      const own = { headers: { "X-Deadline-Ms": "5" } };
      assert.equal(await roomy.run(async () => await (await fetch("http://payments/", own)).text()), "5");
      const silent = createFetch(manager, { propagate: false });
      assert.equal(await roomy.run(async () => await (await silent("http://payments/")).text()), "none");
      roomy.close();

      const tight = service.child({ deadlineMs: 50 });
      const error = await tight.run(() => fetch("http://payments/hang")).then(
        () => undefined,
        (error) => error,
      );
      assert.ok(error instanceof BallastError && error.code === "TIMEOUT", `${error}`);
      tight.close();
    } finally {
      service.close();
    }
    await until(() => inUse(manager) === 0, "its connection is closed");
  });
  await peer.kill();
});

test("a body that nobody reads is given up", async () => {
  const peer = await listen((_, response) => void response.end(new Uint8Array(4_000_000)));
  await withManager({ payments: { tiers: [[peer.address]] } }, async (manager) => {
    const fetch = createFetch(manager, { unreadTimeoutMs: 50 });
    const response = await fetch("http://payments/");
    await until(() => inUse(manager) === 0, "the connection is closed");
    await assert.rejects(response.arrayBuffer());
    assert.equal(manager.snapshot().endpoints[0]!.addresses[0]!.health, "up");
    // One that is read, however late its parts, arrives whole.
    const slow = await fetch("http://payments/");
    let read = 0;
    for await (const chunk of slow.body!) read += chunk.byteLength;
    assert.equal(read, 4_000_000);
  });
  await peer.kill();
});

test("an address that takes too long to answer is left for another one", async () => {
  const slow = await listen(() => {});
  const peer = await listen(echo);
  const tiers = [[slow.address], [peer.address]];
  await withManager({ payments: { tiers, markdown: { failures: 1 } } }, async (manager) => {
    const fetch = createFetch(manager, { headersTimeoutMs: 100 });
    assert.equal((await fetch("http://payments/")).status, 200);
    assert.deepEqual([slow.requests.length, peer.requests.length], [1, 1]);
  });
  await Promise.all([slow.kill(), peer.kill()]);
});

test("more calls than connections wait their turn, and none is lost", async () => {
  let most = 0;
  const peer = await listen((_, response) => {
    most = Math.max(most, peer.sockets.size);
    setTimeout(() => response.end("ok"), 2);
  });
  await withManager(
    { payments: { tiers: [[peer.address]], pool: { maxPerAddress: 5 } } },
    async (manager) => {
      const fetch = createFetch(manager);
      const answers = await Promise.all(
        Array.from({ length: 100 }, async () => await (await fetch("http://payments/")).text()),
      );
      assert.ok(answers.every((answer) => answer === "ok"));
      assert.ok(most <= 5, `${most} connections at a time`);
    },
  );
  await peer.kill();
});

test("traffic returns to the first tier when that is back", async () => {
  const main = await listen((_, response) => void response.end("main"));
  const spare = await listen((_, response) => void response.end("spare"));
  const tiers = [[main.address], [spare.address]];
  await withManager({ payments: { tiers, markdown: { baseMs: 100, failures: 1 } } }, async (manager) => {
    const fetch = createFetch(manager);
    const ask = async () => await (await fetch("http://payments/")).text();
    assert.equal(await ask(), "main");
    await main.kill();
    for (let count = 0; count < 5; count++) assert.equal(await ask(), "spare");
    const again = await listen((_, response) => void response.end("main"), main.port);
    manager.markUp("payments");
    assert.equal(await ask(), "main");
    await again.kill();
  });
  await spare.kill();
});

test("a call after the manager's end fails with its reason, and one under way is ended", async () => {
  const peer = await listen(() => {});
  const manager = createConnectionManager({ endpoints: { payments: { tiers: [[peer.address]] } } });
  const fetch = createFetch(manager);
  const call = causeOf(fetch("http://payments/"));
  await until(() => peer.requests.length === 1, "the request arrives");
  await manager.close();
  assert.ok(await call);
  assert.equal((await causeOf(fetch("http://payments/"))).code, "CLOSED");
  await peer.kill();
});

test("a runtime has a fetch over its connections, and times what it does", async () => {
  const peer = await listen(echo);
  const runtime = createRuntime({
    name: `fetch-runtime-${peer.port}`,
    connections: { endpoints: { payments: { tiers: [[peer.address]] } } },
  });
  const response = await runtime.fetch("http://payments/charge?card=1");
  const { headers } = await response.json();
  assert.equal(headers.host, "payments");
  const metrics = JSON.stringify(runtime.stats.snapshot());
  assert.match(metrics, /http\.request/);
  assert.match(metrics, /payments/);
  await runtime.close();
  assert.equal((await causeOf(runtime.fetch("http://payments/"))).code, "CLOSED");
  await peer.kill();
});

test("options that make no sense are refused", () => {
  const manager = createConnectionManager();
  assert.throws(() => createFetch(manager, { tries: 0 }), /tries must be a number from 1 to 10, got 0/);
  assert.throws(() => createFetch(manager, { unreadTimeoutMs: 0 }), /unreadTimeoutMs must be/);
  return manager.close();
});
