/** Real sockets on loopback: what peers do to those who connect to them. Time is real, and every wait is bounded. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import {
  bufferedConnection,
  type ConnectionManagerOptions,
  createConnectionManager,
  type EndpointOptions,
  type Lease,
} from "@ballast/runtime/connections";
import { createDnsCache, staticResolver } from "@ballast/runtime/dns";
import { deadPort, echo, pem, startBlackHole, startServer, startTlsServer } from "./servers.ts";

const bytes = (value: string) => new TextEncoder().encode(value);
const text = (value: Uint8Array | undefined) => new TextDecoder().decode(value);
const soon = () => AbortSignal.timeout(5_000);

function manage(endpoints: Record<string, EndpointOptions> = {}, options: ConnectionManagerOptions = {}) {
  return createConnectionManager({ endpoints, ...options });
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(what);
}

async function ask(lease: Lease, question: string): Promise<string> {
  await lease.write(bytes(question));
  return text(await lease.read(soon()));
}

test("a port that refuses: the next tier answers, and the error says so where there is none", async () => {
  await using server = await startServer();
  const dead = `127.0.0.1:${await deadPort()}`;
  await using manager = manage({ db: { tiers: [[dead], [server.address]] }, alone: { tiers: [[dead]] } });
  const lease = await manager.connect("db");
  assert.equal(lease.remoteAddress, server.address);
  assert.match(lease.localAddress, /^127\.0\.0\.1:\d+$/);
  assert.equal(await ask(lease, "hello"), "hello");
  lease.release();
  await assert.rejects(manager.connect("alone"), {
    code: "CONNECT_FAILED",
    message: /\(tcp, \d+ ms\): refused: nothing listens there/,
  });
});

test("a black hole costs the time for TCP, and no more", async () => {
  await using hole = await startBlackHole();
  await using server = await startServer();
  await using manager = manage({
    db: { tiers: [[hole.address], [server.address]], timeouts: { tcpMs: 300 } },
  });
  const startedAt = performance.now();
  const lease = await manager.connect("db");
  assert.equal(lease.remoteAddress, server.address);
  assert.ok(performance.now() - startedAt >= 290);
  lease.release();
  const { addresses } = manager.snapshot().endpoints[0]!;
  assert.deepEqual(addresses.map(({ failed, connected }) => [failed, connected]), [[1, 0], [0, 1]]);
  const controller = new AbortController();
  const leaving = assert.rejects(
    manager.connect(hole.address, { signal: controller.signal, timeoutMs: 5_000 }),
    /never mind/,
  );
  controller.abort(new Error("never mind"));
  await leaving;
  assert.equal(manager.snapshot().open, 1);
});

test("accepted, then silence: the caller's own time ends it, and no byte is lost", async () => {
  await using server = await startServer((socket) =>
    socket.once("data", () => setTimeout(() => socket.write("late"), 120))
  );
  await using manager = manage();
  const lease = await manager.connect(server.address);
  await lease.write(bytes("?"));
  await assert.rejects(lease.read(AbortSignal.timeout(20)), { name: "TimeoutError" });
  assert.equal(text(await lease.read(soon())), "late");
  lease.release();
});

test("a reset in the middle of a reply is an error, and the connection is not used again", async () => {
  await using server = await startServer((socket) =>
    socket.once("data", () => socket.write("half a re", () => setTimeout(() => socket.resetAndDestroy(), 20)))
  );
  await using manager = manage();
  const lease = await manager.connect(server.address);
  await lease.write(bytes("?"));
  const buffered = bufferedConnection(lease);
  await assert.rejects(buffered.recvUntil("\r\n"), (error: Error & { code: string }) => {
    assert.ok(
      ["ECONNRESET", "CONNECTION_ENDED", "UND_ERR_SOCKET"].includes(error.code),
      `${error.code} ${error}`,
    );
    return true;
  });
  lease.release();
  await until(() => manager.snapshot().open === 0, "the connection is still counted");
});

test("what a peer closes, or writes to, while it is idle is evicted before anybody gets it", async () => {
  for (const how of ["end", "resetAndDestroy", "stray"] as const) {
    await using server = await startServer();
    await using manager = manage();
    const lease = await manager.connect(server.address);
    assert.equal(await ask(lease, "one"), "one");
    lease.release();
    const [socket] = server.sockets;
    if (how === "stray") socket!.write("stray");
    else socket![how]();
    await until(() => manager.snapshot().open === 0, `${how}: it is still in the pool`);
    const next = await manager.connect(server.address);
    assert.equal(next.uses, 1);
    assert.equal(await ask(next, "two"), "two");
    next.release();
    assert.equal(manager.snapshot().endpoints[0]!.addresses[0]!.evicted, 1);
  }
});

test("bytes that were not read, and are there already, close the connection when it comes back", async () => {
  await using server = await startServer((socket) =>
    void socket.on("data", () => socket.write("answer, and more"))
  );
  await using manager = manage();
  const lease = await manager.connect(server.address);
  const buffered = bufferedConnection(lease);
  await buffered.send("?");
  assert.equal(text(await buffered.recvUntil(",")), "answer");
  lease.release();
  assert.equal(manager.snapshot().open, 0);
});

test("half closed: the rest of the reply is read, and the connection is not pooled", async () => {
  await using server = await startServer((socket) => {
    let said = "";
    socket.on("data", (chunk) => said += chunk);
    socket.on("end", () => socket.end(`you said ${said}`));
  });
  await using manager = manage();
  const lease = await manager.connect(server.address);
  await lease.write(bytes("all"));
  await lease.end();
  assert.equal(text(await bufferedConnection(lease).recvUntilClose()), "you said all");
  assert.equal(await lease.read(), undefined);
  lease.release();
  assert.equal(manager.snapshot().open, 0);
});

test("the streams of a lease", async () => {
  await using server = await startServer();
  await using manager = manage();
  const lease = await manager.connect(server.address);
  const writer = lease.writable.getWriter();
  await writer.write(bytes("streamed"));
  await writer.close();
  let answer = "";
  for await (const chunk of lease.readable) answer += text(chunk);
  assert.equal(answer, "streamed");
  lease.release();
  const other = await manager.connect(server.address);
  await other.readable.cancel();
  assert.equal(other.ended, true);
  await until(() => server.sockets.size === 0, "a connection is left");
});

test("an address that flaps: the other one answers, and it comes back by itself", async () => {
  await using steady = await startServer();
  const flapping = await startServer();
  const { port } = flapping;
  await using manager = manage({
    db: { tiers: [[`127.0.0.1:${port}`], [steady.address]], markdown: { failures: 2, baseMs: 100 } },
  });
  const to = async () => {
    const lease = await manager.connect("db");
    assert.equal(await ask(lease, "ping"), "ping");
    lease.release();
    return lease.remoteAddress;
  };
  assert.equal(await to(), `127.0.0.1:${port}`);
  await flapping[Symbol.asyncDispose]();
  await until(() => manager.snapshot().open === 0, "the dead connection is still there");
  for (let call = 0; call < 5; call++) assert.equal(await to(), steady.address);
  const [address] = manager.snapshot().endpoints[0]!.addresses;
  assert.deepEqual([address!.health, address!.reason], ["down", "refused: nothing listens there"]);
  const { createServer } = await import("node:net");
  const again = createServer(echo).listen(port, "127.0.0.1");
  try {
    let back = "";
    for (let tries = 0; tries < 300 && back !== `127.0.0.1:${port}`; tries++) {
      back = await to();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal(back, `127.0.0.1:${port}`);
  } finally {
    await manager.close();
    await new Promise((resolve) => again.close(resolve));
  }
});

test("an address that moves in DNS: new calls go there, the old connections end", async () => {
  await using server = await startServer();
  await using dns = createDnsCache({ resolver: staticResolver({}), hosts: { "db.test": ["127.0.0.1"] } });
  await using manager = manage({ db: { tiers: [[`db.test:${server.port}`]], timeouts: { tcpMs: 200 } } }, {
    dns,
  });
  const held = await manager.connect("db");
  (await manager.connect("db")).release();
  dns.setHosts({ "db.test": ["127.0.0.2"] });
  await assert.rejects(manager.connect("db"), { code: "CONNECT_FAILED", message: /127\.0\.0\.2/ });
  await until(() => server.sockets.size === 1, "the idle connection is still open");
  assert.equal(await ask(held, "still"), "still");
  held.release();
  await until(() => server.sockets.size === 0, "the lease's connection is still open");
});

test("10,000 connects with a limit of 50: never more than 50 open, none lost", async () => {
  await using server = await startServer();
  await using manager = manage({}, {
    maxConnections: 50,
    defaults: { pool: { maxWaiting: 10_000 }, timeouts: { acquireMs: 60_000, tcpMs: 10_000 } },
  });
  let answers = 0;
  await Promise.all(Array.from({ length: 10_000 }, async (_, index) => {
    const lease = await manager.connect(server.address);
    if (index % 100 === 0) {
      answers++;
      return lease.close();
    }
    if (await ask(lease, `${index}`) === `${index}`) answers++;
    lease.release();
  }));
  assert.equal(answers, 10_000);
  assert.ok(manager.snapshot().peak <= 50 && manager.snapshot().open <= 50);
  // A server may still count one that is closed already.
  assert.ok(server.peak <= 60, `${server.peak} at a time`);
  assert.equal(manager.snapshot().endpoints[0]!.waiting, 0);
});

test("calls that are cancelled while they connect leave no socket", async () => {
  await using server = await startServer();
  await using manager = manage();
  const outcomes = await Promise.allSettled(Array.from({ length: 200 }, async (_, index) => {
    const controller = new AbortController();
    const call = manager.connect(server.address, { signal: controller.signal });
    if (index % 2 === 0) queueMicrotask(() => controller.abort(new Error("never mind")));
    else setTimeout(() => controller.abort(new Error("never mind")), index % 5);
    (await call).release();
  }));
  const failed = outcomes.filter((outcome) => outcome.status === "rejected");
  for (const { reason } of failed) assert.match(String(reason), /never mind/);
  assert.ok(failed.length >= 100);
  await manager.close();
  await until(() => server.sockets.size === 0, `${server.sockets.size} connections are left`);
});

test("unix sockets, where there are any", async () => {
  const { mkdtempSync, rmSync } = await import("node:fs");
  const { tmpdir } = await import("node:os");
  const { createServer } = await import("node:net");
  const folder = mkdtempSync(`${tmpdir()}/ballast-`);
  const path = `${folder}/db.sock`;
  const server = createServer(echo);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    await using manager = manage();
    const lease = await manager.connect(`unix:${path}`);
    assert.deepEqual([await ask(lease, "hello"), lease.remoteAddress], ["hello", path]);
    lease.release();
    assert.equal((await manager.connect({ path })).uses, 2);
    await assert.rejects(manager.connect("unix:/nowhere.sock"), { message: /there is no such socket/ });
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});

const certificate = { cert: pem("server.pem"), key: pem("server.key") };

test("TLS by name though the dial is by address: SNI, verification, ALPN, and a pool", async () => {
  const names: string[] = [];
  await using server = await startTlsServer(
    { ...certificate, ALPNProtocols: ["redis/7", "h2"] },
    (socket) => {
      names.push(String((socket as unknown as { servername: string }).servername));
      echo(socket);
    },
  );
  const tls = { ca: pem("authority.pem"), alpn: ["h2"] };
  await using dns = createDnsCache({ resolver: staticResolver({ "db.test": ["127.0.0.1"] }) });
  await using manager = manage({
    db: { tiers: [[`db.test:${server.port}`]], tls },
    named: { tiers: [[server.address]], tls: { ...tls, serverName: "localhost" } },
    address: { tiers: [[server.address]], tls },
  }, { dns });
  for (const name of ["db", "named", "address"]) {
    const lease = await manager.connect(name);
    assert.deepEqual([await ask(lease, "secret"), lease.alpn], ["secret", "h2"], name);
    lease.release();
    assert.equal((await manager.connect(name)).uses, 2);
  }
  assert.deepEqual(names.slice(0, 2), ["db.test", "localhost"]);
});

test("every handshake that fails says why", async () => {
  const ca = pem("authority.pem");
  await using good = await startTlsServer(certificate);
  await using expired = await startTlsServer({ cert: pem("expired.pem"), key: pem("expired.key") });
  await using plain = await startServer((socket) =>
    void socket.on("data", () => socket.end("HTTP/1.1 400\r\n\r\n"))
  );
  await using silent = await startServer(() => {});
  await using closing = await startServer((socket) => void socket.once("data", () => socket.destroy()));
  await using old = await startTlsServer({ ...certificate, maxVersion: "TLSv1.2" });
  const cases: Record<string, [EndpointOptions, string, RegExp]> = {
    "unknown authority": [
      { tiers: [[good.address]], tls: true },
      "TLS_UNKNOWN_AUTHORITY",
      /authority that is not trusted/,
    ],
    "wrong name": [
      { tiers: [[good.address]], tls: { ca, serverName: "other.test" } },
      "TLS_WRONG_NAME",
      /for another name/,
    ],
    "expired": [
      { tiers: [[expired.address]], tls: { ca } },
      "TLS_EXPIRED",
      /has expired/,
    ],
    "no TLS": [{ tiers: [[plain.address]], tls: { ca } }, "TLS_VERSION", /does not speak TLS/],
    "version": [
      { tiers: [[old.address]], tls: { ca, minVersion: "TLSv1.3" } },
      "TLS_VERSION",
      /no TLS version in common/,
    ],
    "silence": [
      { tiers: [[silent.address]], tls: { ca }, timeouts: { tlsMs: 50 } },
      "TIMEOUT",
      /no TLS handshake within 50 ms/,
    ],
    "closed": [{ tiers: [[closing.address]], tls: { ca } }, "ECONNRESET", /the peer closed the connection/],
  };
  for (const [what, [endpoint, code, message]] of Object.entries(cases)) {
    await using manager = manage({ db: endpoint });
    const error = await manager.connect("db").then(() => assert.fail(`${what}: connected`), (error) => error);
    const [attempt] = error.attempts ?? assert.fail(`${what}: ${error}`);
    assert.equal(attempt.phase, "tls", what);
    if (code !== "") {
      assert.equal(attempt.code, code, `${what}: ${attempt.code} ${attempt.reason} ${error.cause}`);
    }
    assert.match(attempt.reason, message, what);
    assert.equal(manager.snapshot().open, 0);
  }
  assert.throws(() => manage({ db: { tiers: [[good.address]], tls: { key: "none" } } }), {
    message: 'endpoint "db": tls.key must be PEM (-----BEGIN ...), got "none"',
  });
  for (const server of [good, expired, old]) {
    await until(() => server.sockets.size === 0, "a connection is left open");
  }
});

test("a server that wants a client certificate: with one it works, without one the error says so", async () => {
  const ca = pem("authority.pem");
  await using server = await startTlsServer({
    ...certificate,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
  });
  const own = { ca, cert: pem("client.pem"), key: pem("client.key") };
  await using manager = manage({
    with: { tiers: [[server.address]], tls: own },
    without: { tiers: [[server.address]], tls: { ca } },
  });
  const lease = await manager.connect("with");
  assert.equal(await ask(lease, "hello"), "hello");
  lease.release();
  // In TLS 1.3 it is told after the handshake: by the first read at the latest.
  const error = await manager.connect("without").then((lease) => ask(lease, "hello")).catch((error) => error);
  assert.match(String(error), /does it want a client certificate \(tls.cert, tls.key\)\?/);
});

test("a lease that is lost is found by the garbage collector, closed and reported", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("globalThis.gc") as () => void;
  await using server = await startServer();
  await using manager = manage();
  const taken = async () => void await manager.connect(server.address);
  await taken();
  for (let tries = 0; tries < 100 && manager.snapshot().leaked === 0; tries++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { leaked, lastLeak, open } = manager.snapshot();
  assert.deepEqual([leaked, open], [1, 0]);
  assert.match(lastLeak!.taker!, /conformance_test/);
  assert.ok(manager.report().findings!.some(({ id }) => id === "connections-leaked"));
});
