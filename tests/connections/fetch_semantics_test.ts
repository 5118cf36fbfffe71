import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import { test as always } from "node:test";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";

import { createFetch, type Fetch } from "@ballast/runtime/connections";
import {
  body,
  causeOf,
  echo,
  type Handler,
  inUse,
  listen,
  type Peer,
  until,
  withManager,
} from "./http_peer.ts";
import { pem } from "./servers.ts";

/** Bun puts a fetch of its own in the place of undici's: there endpoints are refused. */
const test = "Bun" in globalThis ? always.skip : always;

/** Serves, and gives a fetch to ask with; afterwards no connection may be in use. */
async function served(handler: Handler, run: (fetch: Fetch, peer: Peer) => Promise<void>): Promise<void> {
  const peer = await listen(handler);
  await withManager({ api: { tiers: [[peer.address]] } }, async (manager) => {
    await run(createFetch(manager), peer);
    await until(() => inUse(manager) === 0, "every connection is back or closed");
  });
  await peer.kill();
}

/** A stream of texts, each a chunk of its own and in a turn of its own. */
function streamOf(...texts: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const text = texts.shift();
      if (text === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(text));
    },
  });
}

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

test("what arrives is what the runtime's own fetch would have sent", async () => {
  const cases: Record<string, () => [string, RequestInit]> = {
    plain: () => ["/a/../b?x=1#part", {}],
    "a method in lower case": () => ["/", { method: "delete" }],
    "a method of one's own": () => ["/", { method: "PURGE" }],
    text: () => ["/", { method: "POST", body: "żółw" }],
    "no text": () => ["/", { method: "POST", body: "" }],
    "no body": () => ["/", { method: "POST" }],
    bytes: () => ["/", { method: "PUT", body: new Uint8Array([97, 98, 99]).subarray(1) }],
    buffer: () => ["/", { method: "PUT", body: new Uint8Array([97, 98]).buffer }],
    view: () => ["/", { method: "PUT", body: new DataView(new Uint8Array([97, 98, 99]).buffer, 1, 1) }],
    parameters: () => ["/", { method: "POST", body: new URLSearchParams({ q: "a b&c" }) }],
    blob: () => ["/", { method: "POST", body: new Blob(["<p>"], { type: "text/html" }) }],
    "blob without a type": () => ["/", { method: "POST", body: new Blob(["<p>"]) }],
    "a type of one's own": () => [
      "/",
      { method: "PATCH", body: "{}", headers: { "Content-Type": "application/json" } },
    ],
    "headers that repeat": () => ["/", { headers: [["x-a", " 1 "], ["X-A", "2"], ["accept", "text/css"]] }],
    stream: () => ["/", { method: "POST", body: streamOf("one", "two"), duplex: "half" } as RequestInit],
  };
  await served(echo, async (fetch, { address }) => {
    for (const [name, make] of Object.entries(cases)) {
      const ask = async (fetch: Fetch, origin: string) => {
        const [path, init] = make();
        const { method, url, headers, body }: Seen = await (await fetch(origin + path, init)).json();
        const { "content-type": type, "content-length": length, "x-a": list, accept } = headers;
        return { method, url, body, type, length, list, accept };
      };
      const theirs = await ask(globalThis.fetch, `http://${address}`);
      assert.deepEqual(await ask(fetch, "http://api"), theirs, name);
    }
  });
});

test("a form arrives whole, whatever its names and files are", async () => {
  await served(echo, async (fetch) => {
    const form = new FormData();
    form.append('a "name"\r\n', "line\none");
    form.append("file", new File(["{}"], 'x".json', { type: "application/json" }));
    form.append("plain", new Blob(["bytes"]), "b.bin");
    const { headers, body }: Seen = await (await fetch("http://api/", { method: "POST", body: form })).json();
    assert.equal(headers["content-length"], String(new TextEncoder().encode(body).length));
    const parsed = await new Response(body, { headers: { "content-type": headers["content-type"]! } })
      .formData();
    assert.equal(parsed.get("file") instanceof File && await (parsed.get("file") as File).text(), "{}");
    assert.equal((parsed.get("file") as File).type, "application/json");
    assert.equal((parsed.get("plain") as File).name, "b.bin");
    assert.match(body, /name="a %22name%22%0D%0A"\r\n\r\nline\r\none\r\n/);
  });
});

test("what makes no sense is refused before anything is sent", async () => {
  await served(echo, async (fetch, peer) => {
    const refused: [string, RequestInit?][] = [
      ["not a url"],
      ["http://user:secret@api/"],
      ["http://api/", { method: "CONNECT" }],
      ["http://api/", { method: "G T" }],
      ["http://api/", { body: "GET has none" }],
      ["http://api/", { headers: { "x-a": "a\r\nb: c" } }],
      ["http://api/", { headers: { "x a": "1" } }],
      ["http://api/", { integrity: "sha256-abc" }],
      ["http://api/", { method: "POST", body: "four", headers: { "content-length": "3" } }],
      ["http://api/", { headers: { upgrade: "websocket", connection: "upgrade" } }],
    ];
    for (const [url, init] of refused) {
      await assert.rejects(fetch(url, init), TypeError, `${url} ${JSON.stringify(init)}`);
    }
    const used = new Request("http://api/", { method: "POST", body: "x" });
    await used.text();
    await assert.rejects(fetch(used), TypeError);
    const locked = streamOf("x");
    locked.getReader();
    await assert.rejects(fetch("http://api/", { method: "POST", body: locked }), TypeError);
    assert.equal(peer.requests.length, 0);
    assert.equal(await (await fetch("data:text/plain,hello")).text(), "hello");
  });
});

test("a redirect keeps or changes the method as the standard says, and drops what the next one must not see", async () => {
  const handler: Handler = async (request, response) => {
    const [, status] = /^\/(\d+)/.exec(request.url!) ?? [];
    if (status === undefined) return await echo(request, response);
    await body(request);
    response.writeHead(Number(status), { location: "/end" }).end("moved");
  };
  await served(handler, async (fetch, peer) => {
    for (
      const [status, method, then] of [
        [301, "POST", "GET"],
        [302, "POST", "GET"],
        [303, "POST", "GET"],
        [303, "PUT", "GET"],
        [303, "HEAD", "HEAD"],
        [301, "PUT", "PUT"],
        [307, "POST", "POST"],
        [308, "POST", "POST"],
      ] as const
    ) {
      const init = { method, ...(method === "HEAD" ? {} : { body: "kept" }) };
      const response = await fetch(`http://api/${status}#part`, init);
      assert.deepEqual([response.redirected, response.url], [true, "http://api/end"]);
      const text = await response.text();
      assert.equal(peer.requests.at(-1)!.method, then, `${status} ${method}`);
      if (then === "HEAD") continue;
      const seen: Seen = JSON.parse(text);
      assert.equal(seen.body, then === "GET" ? "" : "kept", `${status} ${method}`);
      assert.equal(seen.headers["content-type"], then === "GET" ? undefined : "text/plain;charset=UTF-8");
    }
    const streamed = { method: "POST", body: streamOf("once"), duplex: "half" } as RequestInit;
    await assert.rejects(fetch("http://api/307", streamed), TypeError);
    const seen: Seen = await (await fetch("http://api/303", {
      method: "POST",
      body: streamOf("once"),
      duplex: "half",
    } as RequestInit)).json();
    assert.equal(seen.method, "GET");
  });
});

test("a redirect to another origin takes no credentials along, and 20 are followed at most", async () => {
  const other = await listen(echo);
  let hops = 0;
  const handler: Handler = (request, response) => {
    if (request.url === "/away") response.writeHead(302, { location: `http://${other.address}/x` }).end();
    else if (request.url === "/same") response.writeHead(302, { location: "//api/echo" }).end();
    else if (request.url === "/file") response.writeHead(302, { location: "file:///etc/passwd" }).end();
    else if (request.url === "/nowhere") response.writeHead(302).end("stay");
    else if (request.url === "/echo") return echo(request, response);
    else response.writeHead(302, { location: `/loop?${++hops}` }).end();
  };
  await served(handler, async (fetch) => {
    const headers = { authorization: "Bearer x", cookie: "a=1", "x-mine": "1" };
    const away: Seen = await (await fetch("http://api/away", { headers })).json();
    assert.deepEqual(
      [away.headers.authorization, away.headers.cookie, away.headers["x-mine"], away.headers.host],
      [undefined, undefined, "1", other.address],
    );
    const same: Seen = await (await fetch("http://api/same", { headers })).json();
    assert.equal(same.headers.authorization, "Bearer x");
    await assert.rejects(fetch("http://api/file"), TypeError);
    const stay = await fetch("http://api/nowhere");
    assert.deepEqual([stay.status, await stay.text(), stay.redirected], [302, "stay", false]);
    await assert.rejects(fetch("http://api/loop"), TypeError);
    assert.equal(hops, 21);
  });
  await other.kill();
});

test("encoded bodies are decoded, whole or in pieces; unknown ones are left alone", async () => {
  const text = "ballast ".repeat(40_000);
  const encoded: Record<string, [string, Uint8Array]> = {
    "/gzip": ["gzip", gzipSync(text)],
    "/x-gzip": ["X-GZip", gzipSync(text)],
    "/deflate": ["deflate", deflateSync(text)],
    "/raw": ["deflate", deflateRawSync(text)],
    "/br": ["br", brotliCompressSync(text)],
    "/twice": ["deflate, gzip", gzipSync(deflateSync(text))],
    "/unknown": ["mine", new TextEncoder().encode(text)],
  };
  const handler: Handler = async (request, response) => {
    const [path, slowly] = request.url!.split("?");
    if (path === "/broken") return response.setHeader("content-encoding", "gzip").end("no gzip at all");
    if (path === "/none") return response.setHeader("content-encoding", "gzip").end();
    const [coding, bytes] = encoded[path!]!;
    response.setHeader("content-encoding", coding);
    if (slowly === undefined) return response.end(bytes);
    for (let at = 0; at < bytes.length; at += 500) {
      response.write(bytes.subarray(at, at + 500));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    response.end();
  };
  await served(handler, async (fetch) => {
    for (const path of Object.keys(encoded)) {
      for (const how of path === "/unknown" ? [""] : ["", "?slowly"]) {
        const response = await fetch(`http://api${path}${how}`);
        assert.equal(await response.text() === text, true, path + how);
      }
    }
    await assert.rejects((await fetch("http://api/broken")).text(), TypeError);
    assert.equal(await (await fetch("http://api/none")).text(), "");
    const head = await fetch("http://api/gzip", { method: "HEAD" });
    assert.deepEqual([head.body, await head.text()], [null, ""]);
    const partly = await fetch("http://api/br?slowly");
    const reader = partly.body!.getReader();
    assert.equal((await reader.read()).done, false);
    await reader.cancel();
  });
});

test("a body in pieces is read as they come, is read no faster than it is asked for, and can be cancelled", async () => {
  let written = 0;
  const handler: Handler = (request, response) => {
    if (request.url === "/slow") {
      response.write("one,");
      setTimeout(() => response.end("two"), 20);
      return;
    }
    const fill = () => {
      while (written < 50_000_000) {
        written += 65_536;
        if (!response.write(new Uint8Array(65_536))) return void response.once("drain", fill);
      }
      response.end();
    };
    fill();
  };
  await served(handler, async (fetch, peer) => {
    const slow = await fetch("http://api/slow");
    assert.equal(await slow.clone().text(), "one,two");
    assert.equal(await slow.text(), "one,two");

    const large = await fetch("http://api/large");
    const reader = large.body!.getReader({ mode: "byob" });
    const { value } = await reader.read(new Uint8Array(10));
    assert.equal(value!.byteLength > 0 && value!.byteLength <= 10, true);
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal(written < 40_000_000, true, `${written} bytes were sent to nobody`);
    await reader.cancel();
    await until(() => peer.sockets.size <= 1, "its connection is closed");
  });
});

test("a body that breaks midway fails, for whoever reads it and whenever", async () => {
  const handler: Handler = (request, response) => {
    const chunked = request.url === "/chunked";
    response.writeHead(200, chunked ? {} : { "content-length": "1000" });
    response.write("begun");
    setTimeout(() => request.socket.destroy(), 20);
  };
  await served(handler, async (fetch) => {
    for (const path of ["/chunked", "/sized"]) {
      const reading = await fetch(`http://api${path}`);
      await assert.rejects(reading.text(), TypeError);
      const late = await fetch(`http://api${path}`);
      await new Promise((resolve) => setTimeout(resolve, 60));
      await assert.rejects(late.text(), TypeError);
      const closed = (await fetch(`http://api${path}`)).body!.getReader();
      await assert.rejects(closed.closed, TypeError);
    }
  });
});

test("a response has the shape that the standard gives it", async () => {
  const handler: Handler = (request, response) => {
    if (request.url === "/early") {
      response.writeEarlyHints({ link: "</style.css>; rel=preload" });
      return response.end("late");
    }
    const status = Number(request.url!.slice(1));
    response.writeHead(status, "As It Is", { "x-a": "1", etag: '"1"', "set-cookie": ["a=1", "b=2"] });
    response.end(status === 200 ? "text" : undefined);
  };
  await served(handler, async (fetch) => {
    for (const status of [204, 205, 304]) {
      const response = await fetch(`http://api/${status}`);
      assert.deepEqual([response.status, response.body, await response.text()], [status, null, ""]);
    }
    const response = await fetch(new URL("http://api/200#part"));
    assert.equal(response instanceof Response, true);
    assert.deepEqual(
      [response.ok, response.status, response.statusText, response.type, response.url, response.redirected],
      [true, 200, "As It Is", "basic", "http://api/200", false],
    );
    assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
    const clone = response.clone();
    assert.deepEqual([clone.url, clone.type], ["http://api/200", "basic"]);
    const passedOn = new Response(response.body, response);
    assert.deepEqual([passedOn.headers.get("x-a"), await passedOn.text()], ["1", "text"]);
    assert.equal(await clone.text(), "text");
    if ("writeEarlyHints" in (await import("node:http")).ServerResponse.prototype) {
      assert.equal(await (await fetch("http://api/early")).text(), "late");
    }
  });
});

test("what is no HTTP fails the call, and its connection is not used again", async () => {
  const answers = [
    "SMTP ready\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
  ];
  for (const answer of [...answers, "HTTP/1.1 600 Strange\r\ncontent-length: 0\r\n\r\n"]) {
    const server = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(answer));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    await withManager({ api: { tiers: [[`127.0.0.1:${port}`]] } }, async (manager) => {
      await assert.rejects(createFetch(manager)("http://api/", { method: "POST" }), TypeError, answer);
      await until(() => manager.snapshot().open === 0, "its connection is closed");
    });
    server.close();
  }
});

test("https: verified by the endpoint's own authority and name, by whatever name it is asked", async () => {
  const server = createHttpsServer({ cert: pem("server.pem"), key: pem("server.key") }, echo);
  const sockets = new Set<unknown>();
  server.on("secureConnection", (socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const ca = pem("authority.pem");
  const tiers = [[`127.0.0.1:${port}`]];
  const endpoints = {
    api: { tiers, tls: { ca, serverName: "db.test" }, pool: { minIdle: 1 } },
    stranger: { tiers, tls: { serverName: "db.test" } },
  };
  await withManager(endpoints, async (manager) => {
    const fetch = createFetch(manager);
    for (const name of ["api", "pay.shop", "api", "pay.shop"]) {
      const seen: Seen = await (await fetch(`https://${name}/x`, { method: "POST", body: "secret" })).json();
      assert.deepEqual([seen.body, seen.headers.host], ["secret", name]);
    }
    const all = await Promise.all(Array.from({ length: 4 }, () => fetch("https://api/")));
    for (const response of all) await response.text();
    assert.equal(all.every(({ url }) => url === "https://api/"), true);
    const cause = await causeOf(fetch("https://stranger/"));
    assert.match(cause.message, /authority that is not trusted/);
    // Without a scheme of its own, http: to an endpoint with TLS speaks TLS as well.
    assert.equal((await (await fetch("http://api/plain")).json()).url, "/plain");
  }, { "pay.shop": "api" });
  server.close();
});

test("connections kept warm for HTTP are used by it", async () => {
  await served(echo, async (_, peer) => {
    await withManager({ api: { tiers: [[peer.address]], pool: { minIdle: 2 } } }, async (manager) => {
      await until(() => peer.sockets.size >= 2, "two connections are open before anybody asks");
      const before = manager.snapshot().open;
      for (let count = 0; count < 3; count++) await (await createFetch(manager)("http://api/")).text();
      assert.equal(manager.snapshot().open, before, "none is opened for a request");
    });
  });
});

test("a body that is being sent ends with its request, and one that fails fails the call", async () => {
  const handler: Handler = async (request, response) => {
    if (request.url === "/early") return response.writeHead(413).end("too much");
    await body(request).catch(() => {});
    response.end("read");
  };
  await served(handler, async (fetch, peer) => {
    const reason = new Error("no more");
    const failing = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(10));
        controller.error(reason);
      },
    });
    const failed = await fetch("http://api/", { method: "PUT", body: failing, duplex: "half" } as RequestInit)
      .then(() => undefined, (error) => error);
    assert.equal(failed instanceof TypeError && failed.cause === reason, true, `${failed}`);
    assert.equal(peer.requests.length <= 1, true, "it was not sent again");

    let cancelled = false;
    const endless = new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        controller.enqueue(new Uint8Array(1_000));
      },
      cancel: () => void (cancelled = true),
    });
    const early = await fetch(
      "http://api/early",
      { method: "POST", body: endless, duplex: "half" } as RequestInit,
    );
    assert.equal(early.status, 413);
    await early.text().catch(() => {});
    await until(() => cancelled, "the stream is cancelled");

    let read = 0;
    const generated = (async function* () {
      for (; read < 3; read++) yield new TextEncoder().encode(String(read));
    })();
    const init = { method: "POST", body: generated as unknown as BodyInit };
    assert.equal(await (await fetch("http://api/", init)).text(), "read");
    assert.equal(read, 3);
  });
});
