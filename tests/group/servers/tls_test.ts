import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { deferred, dial, eventually, get, serve, silentRuntime, within } from "./support.ts";

const folder = new URL("../../support/certificates/", import.meta.url);
const pem = (name: string) => readFileSync(new URL(name, folder), "utf8");
const ca = pem("authority.pem");
const good = { cert: pem("server.pem"), key: pem("server.key") };
const client = { cert: pem("client.pem"), key: pem("client.key") };

interface Asked {
  readonly alpn?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly text?: string;
}

/** Speaks TLS, says something, and gives all that came. */
function ask(
  port: number,
  { alpn, cert, key, text = get("/", "connection: close\r\n") }: Asked = {},
): Promise<{
  readonly text: string;
  readonly validTo: string;
  readonly alpn: string;
}> {
  return within(
    new Promise((resolve, reject) => {
      const socket: TLSSocket = connectTls({
        port,
        host: "127.0.0.1",
        servername: "localhost",
        ca,
        cert,
        key,
        rejectUnauthorized: false,
        ...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }),
      });
      let received = "";
      let validTo = "";
      socket.on("secureConnect", () => {
        validTo = socket.getPeerCertificate().valid_to;
        socket.write(text);
      });
      socket.on("data", (bytes) => received += bytes);
      socket.on("error", reject);
      socket.on("close", () => resolve({ text: received, validTo, alpn: String(socket.alpnProtocol) }));
    }),
    5_000,
  );
}

function certificateFolder(context: TestContext): { cert: string; key: string } {
  const made = mkdtempSync(join(tmpdir(), "ballast-"));
  context.after(() => rmSync(made, { recursive: true, force: true }));
  const paths = { cert: join(made, "tls.crt"), key: join(made, "tls.key") };
  copyFileSync(fileURLToPath(new URL("server.pem", folder)), paths.cert);
  copyFileSync(fileURLToPath(new URL("server.key", folder)), paths.key);
  return paths;
}

/** Requests over one session of HTTP/2. */
async function askHttp2(port: number, paths: readonly string[]): Promise<string[]> {
  const session = connectHttp2(`https://localhost:${port}`, { ca, lookup: undefined });
  session.on("error", () => {});
  try {
    return await within(
      Promise.all(paths.map((path) =>
        new Promise<string>((resolve, reject) => {
          const stream = session.request({ ":path": path, ":method": path === "/post" ? "POST" : "GET" });
          let text = "";
          let status = 0;
          stream.on("response", (headers) => status = Number(headers[":status"]));
          stream.on("data", (bytes) => text += bytes);
          stream.on("end", () => resolve(`${status} ${text}`));
          stream.on("error", reject);
          stream.end(path === "/post" ? "a body" : undefined);
        })
      )),
      5_000,
    );
  } finally {
    session.close();
  }
}

test("HTTPS: an app is served by HTTP/1.1 and HTTP/2 on one port", async () => {
  await using served = await serve({
    apps: [{
      name: "secure",
      tls: good,
      async fetch(request, { httpVersion, secure }) {
        const { protocol, pathname } = new URL(request.url);
        const body = request.method === "POST" ? await request.text() : "";
        return new Response(`${protocol} ${pathname} ${httpVersion} ${secure} ${body}`);
      },
    }],
  });
  assert.equal(served.url, `https://127.0.0.1:${served.port}`);
  const { text } = await ask(served.port, { alpn: "http/1.1" });
  assert.match(text, /^HTTP\/1\.1 200 [^]*https: \/ 1\.1 true $/);
  assert.deepEqual(await askHttp2(served.port, ["/a", "/b", "/post"]), [
    "200 https: /a 2.0 true ",
    "200 https: /b 2.0 true ",
    "200 https: /post 2.0 true a body",
  ]);
  assert.equal(served.servers.snapshot().listeners[0]!.requests, 4);
});

test("HTTP/2 is not offered where it is not wanted", async () => {
  await using served = await serve({ apps: [{ tls: good, http2: false, fetch: () => new Response("ok") }] });
  await assert.rejects(askHttp2(served.port, ["/"]));
});

test("a drain finishes the requests of HTTP/2, and its session ends", async () => {
  const go = deferred();
  await using served = await serve({
    apps: [{
      tls: good,
      async fetch() {
        await go.promise;
        return new Response("done");
      },
    }],
  });
  const answers = askHttp2(served.port, ["/1", "/2"]);
  await eventually(() => served.servers.snapshot().listeners[0]!.inFlight === 2, "they did not come");
  const drained = within(served.servers.drain({ timeoutMs: 5_000 }), 4_000);
  go.resolve();
  assert.deepEqual(await answers, ["200 done", "200 done"]);
  const { finished, cut } = await drained;
  assert.deepEqual([finished, cut], [2, {}]);
});

test("a session of HTTP/2 without a request is closed after a while, and told so", async () => {
  await using served = await serve({
    limits: { idleTimeoutMs: 200 },
    apps: [{ tls: good, fetch: () => new Response("ok") }],
  });
  const session = connectHttp2(`https://localhost:${served.port}`, { ca });
  const [told, closed] = [deferred(), deferred()];
  session.on("error", () => {});
  session.on("goaway", () => told.resolve());
  session.on("close", () => closed.resolve());
  const stream = session.request({ ":path": "/" });
  stream.resume();
  stream.end();
  await within(Promise.all([told.promise, closed.promise]), 5_000);
  assert.equal(served.servers.snapshot().listeners[0]!.idleClosed, 1);
});

test("a certificate is replaced while connections are open; a bad one is refused and the old one stays", async (context) => {
  const paths = certificateFolder(context);
  const runtime = silentRuntime();
  await using served = await serve({
    log: runtime.log,
    apps: [{ name: "web", tls: { ...paths, reloadMs: 0 }, fetch: () => new Response("ok") }],
  });
  const events: string[] = [];
  served.servers.events.subscribe(({ type }) => void events.push(type));
  const before = (await ask(served.port)).validTo;

  // Half of a pair: the key of another certificate.
  writeFileSync(paths.cert, client.cert);
  await served.servers.reloadTls();
  assert.equal((await ask(served.port)).validTo, before);
  writeFileSync(paths.key, pem("expired.key"));
  writeFileSync(paths.cert, pem("expired.pem"));
  await served.servers.reloadTls();
  writeFileSync(paths.cert, "no certificate at all");
  await served.servers.reloadTls();
  assert.equal((await ask(served.port)).validTo, before);
  const finding = () => served.servers.report().findings!.find(({ id }) => id === "certificate-refused-web");
  assert.ok(finding());
  assert.deepEqual(events, ["tls refused", "tls refused", "tls refused"]);

  writeFileSync(paths.key, client.key);
  writeFileSync(paths.cert, client.cert);
  await served.servers.reloadTls();
  const { tls } = served.servers.snapshot().listeners[0]!;
  assert.match(tls!.subject, /client/);
  assert.equal(tls!.refused, undefined);
  assert.equal(finding(), undefined);
  assert.equal(events.at(-1), "tls reloaded");
  assert.match((await ask(served.port)).text, /ok$/);
  await runtime.close();
});

test("files are looked at by themselves", async (context) => {
  const paths = certificateFolder(context);
  const runtime = silentRuntime();
  await using served = await serve({
    log: runtime.log,
    apps: [{ name: "web", tls: { ...paths, reloadMs: 30 }, fetch: () => new Response("ok") }],
  });
  writeFileSync(paths.key, client.key);
  writeFileSync(paths.cert, client.cert);
  await eventually(
    () => /client/.test(served.servers.snapshot().listeners[0]!.tls!.subject),
    "it was not read",
  );
  await runtime.close();
});

test("a certificate that has expired is a finding, and one that cannot be read stops the start", async () => {
  await using served = await serve({
    apps: [{
      name: "old",
      tls: { cert: pem("expired.pem"), key: pem("expired.key") },
      fetch: () => new Response(),
    }],
  });
  const finding = served.servers.report().findings!.find(({ id }) => id === "certificate-expires-old")!;
  assert.equal(finding.severity, "critical");
  await assert.rejects(
    serve({
      apps: [{ name: "web", tls: { cert: "/nowhere.pem", key: good.key }, fetch: () => new Response() }],
    }),
    /listener "web": .*nowhere/,
  );
  await assert.rejects(
    serve({
      apps: [{ name: "web", tls: { cert: good.cert, key: client.key }, fetch: () => new Response() }],
    }),
    /listener "web": the key is not the certificate's/,
  );
});

test("clients may be asked for certificates", async () => {
  await using served = await serve({
    apps: [{
      tls: { ...good, ca, requestCert: true },
      http2: false,
      fetch: (_request, { clientCertificate }) => new Response(clientCertificate),
    }],
  });
  assert.match((await ask(served.port, client)).text, /CN=client$/);
  const without = await ask(served.port).then(({ text }) => text, () => "");
  assert.equal(without, "");
  await eventually(() => served.refused()["handshake failed"] === 1, JSON.stringify(served.refused()));
});

test("handshakes that fail or take too long are closed and counted", async () => {
  await using served = await serve({
    limits: { headersTimeoutMs: 200 },
    apps: [{ tls: good, fetch: () => new Response("ok") }],
  });
  using silent = await dial(served.port);
  assert.equal(await silent.ended(), "");
  await eventually(() => served.refused()["handshake timeout"] === 1, JSON.stringify(served.refused()));
  const plain = connect(served.port, "127.0.0.1", () => plain.write("GET / HTTP/1.1\r\n\r\n"));
  plain.on("error", () => {});
  await eventually(() => served.refused()["handshake failed"] === 1, JSON.stringify(served.refused()));
  plain.destroy();
  assert.match((await ask(served.port)).text, /ok$/);
});

test("streams speak TLS, too", async () => {
  await using served = await serve({
    streams: [{
      name: "echo",
      tls: good,
      async handler(lease) {
        await lease.write((await lease.read())!);
      },
    }],
  });
  assert.equal(served.url, `tls://127.0.0.1:${served.port}`);
  assert.equal((await ask(served.port, { text: "secret" })).text, "secret");
});
