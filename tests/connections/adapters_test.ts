import assert from "node:assert/strict";
import { once } from "node:events";
import http, { createServer } from "node:http";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { TLSSocket } from "node:tls";

import { createContext, createDnsCache } from "@ballast/runtime";
import {
  ConnectError,
  type ConnectionManager,
  type ConnectionManagerOptions,
  createConnection,
  createConnectionManager,
  redisConnector,
} from "@ballast/runtime/connections";
import { Redis } from "ioredis";
import mysql from "mysql2";
import mysqlPromise from "mysql2/promise";
import pg from "pg";
import { pem, startServer, startTlsServer, type TestServer } from "./servers.ts";

/** A port at which nothing listens. */
async function deadAddress(): Promise<string> {
  await using server = await startServer();
  return server.address;
}

/** Runs with an endpoint "db" whose first tier is dead; afterwards nothing may be open. */
async function withManager(
  addresses: readonly string[],
  run: (manager: ConnectionManager) => Promise<void>,
  options: ConnectionManagerOptions = {},
): Promise<void> {
  const manager = createConnectionManager({
    endpoints: { db: { tiers: [[await deadAddress()], [...addresses]] } },
    ...options,
  });
  try {
    await run(manager);
    await until(() => manager.snapshot().open === 0, "every connection is closed and counted");
  } finally {
    await manager.close();
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const giveUpAt = performance.now() + 5_000;
  while (!condition()) {
    assert.ok(performance.now() < giveUpAt, `${what} within 5 s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** RESP, as much of it as a client needs that says who it is and asks for a value. */
function redisServer(): Promise<TestServer> {
  return startServer((socket) => {
    let buffered = "";
    socket.on("data", (bytes) => {
      buffered += bytes;
      for (;;) {
        const words = /^\*(\d+)\r\n((?:\$\d+\r\n[^\r\n]*\r\n)*)/.exec(buffered);
        if (words === null) return;
        const parts = words[2]!.split("\r\n").filter((_, index) => index % 2 === 1);
        if (parts.length < Number(words[1])) return;
        buffered = buffered.slice(words[0].length);
        if (parts[0]!.toLowerCase() === "get") socket.write(`$${parts[1]!.length}\r\n${parts[1]}\r\n`);
        else if (parts[0]!.toLowerCase() === "info") socket.write("$9\r\nloading:0\r\n");
        else if (parts[0]!.toLowerCase() === "quit") socket.end("+OK\r\n");
        else socket.write("+OK\r\n");
      }
    });
  });
}

/** PostgreSQL's protocol, as much of it as `select` of one text needs. */
function servePostgres(socket: Socket): void {
  const message = (type: string, content: Uint8Array) => {
    const frame = new Uint8Array(5 + content.length);
    frame[0] = type.charCodeAt(0);
    new DataView(frame.buffer).setUint32(1, 4 + content.length);
    frame.set(content, 5);
    return frame;
  };
  const bytes = (...parts: (string | number[])[]) =>
    new Uint8Array(
      parts.flatMap((part) => typeof part === "string" ? [...new TextEncoder().encode(part)] : part),
    );
  const ready = message("Z", bytes("I"));
  let started = false;
  socket.on("data", (chunk: Uint8Array) => {
    if (!started) {
      started = true;
      socket.write(message("R", bytes([0, 0, 0, 0])));
      return void socket.write(ready);
    }
    const type = String.fromCharCode(chunk[0]!);
    if (type === "X") return void socket.end();
    if (type !== "Q") return;
    const field = bytes("text", [0], [0, 0, 0, 0], [0, 0], [0, 0, 0, 25], [255, 255], [255, 255, 255, 255], [
      0,
      0,
    ]);
    socket.write(message("T", bytes([0, 1], [...field])));
    socket.write(message("D", bytes([0, 1], [0, 0, 0, 5], "hello")));
    socket.write(message("C", bytes("SELECT 1", [0])));
    socket.write(ready);
  });
}

/** As `servePostgres`, once the client has asked for TLS and got it. */
function servePostgresTls(socket: Socket): void {
  socket.once("data", (asked: Uint8Array) => {
    assert.deepEqual([...asked], [0, 0, 0, 8, 4, 210, 22, 47]);
    socket.write("S");
    const secure = new TLSSocket(socket, { isServer: true, cert: pem("server.pem"), key: pem("server.key") });
    secure.on("error", () => {});
    servePostgres(secure);
  });
}

test("node:http connects through the manager", async () => {
  const server = createServer((request, response) => response.end(`got ${request.url}`)).listen(
    0,
    "127.0.0.1",
  );
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await withManager([`127.0.0.1:${port}`], async (manager) => {
    const get = (path: string) =>
      new Promise<string>((resolve, reject) => {
        const request = http.get({
          host: "db",
          path,
          createConnection: () => createConnection<Duplex>(manager, "db"),
          headers: { connection: "close" },
        });
        request.on("error", reject);
        request.on("response", async (response) => {
          let text = "";
          for await (const chunk of response) text += chunk;
          resolve(text);
        });
      });
    assert.equal(await get("/one"), "got /one");
    assert.deepEqual(await Promise.all(["/a", "/b", "/c"].map(get)), ["got /a", "got /b", "got /c"]);
  });
  server.closeAllConnections();
  server.close();
});

test("pg queries through the manager, in the clear and with the TLS that it asks for itself", async () => {
  for (
    const [serve, ssl] of [
      [servePostgres, false],
      [servePostgresTls, { ca: pem("authority.pem"), servername: "db.test" }],
    ] as const
  ) {
    await using server = await startServer(serve);
    await withManager([server.address], async (manager) => {
      const stream = () => createConnection<Duplex>(manager, "db");
      const pool = new pg.Pool({ stream, ssl, host: "db.test", user: "app", database: "app", max: 2 });
      pool.on("error", () => {});
      const answers = await Promise.all([1, 2, 3].map(() => pool.query("select 'hello' as text")));
      for (const { rows } of answers) assert.deepEqual(rows, [{ text: "hello" }]);
      assert.ok(manager.snapshot().open <= 2);
      await pool.end();
    });
  }
});

test("pg speaks over the endpoint's own TLS", async () => {
  const tls = { cert: pem("server.pem"), key: pem("server.key") };
  await using server = await startTlsServer(tls, servePostgres);
  const endpoints = {
    db: { tiers: [[server.address]], tls: { ca: pem("authority.pem"), serverName: "db.test" } },
  };
  await withManager([], async (manager) => {
    const client = new pg.Client({ stream: () => createConnection<Duplex>(manager, "db"), user: "app" });
    await client.connect();
    assert.deepEqual((await client.query("select 'hello' as text")).rows, [{ text: "hello" }]);
    await client.end();
  }, { endpoints });
});

test("ioredis connects through the manager, and again when its connection breaks", async () => {
  await using server = await redisServer();
  await withManager([server.address], async (manager) => {
    const redis = new Redis({ Connector: redisConnector(manager, "db"), retryStrategy: () => 10 });
    redis.on("error", () => {});
    assert.equal(await redis.get("key"), "key");
    for (const socket of server.sockets) socket.destroy();
    assert.equal(await redis.get("again"), "again");
    assert.equal(server.accepted, 2);
    await redis.quit();
  });
});

test("ioredis goes on trying while nothing listens", async () => {
  await withManager([await deadAddress()], async (manager) => {
    let tries = 0;
    const redis = new Redis({
      Connector: redisConnector(manager, "db"),
      retryStrategy: () => ++tries < 3 ? 1 : null,
      maxRetriesPerRequest: 10,
    });
    const errors: Error[] = [];
    redis.on("error", (error) => errors.push(error));
    await assert.rejects(redis.get("key"));
    assert.equal(tries, 3);
    assert.ok(errors.every((error) => error instanceof ConnectError), `${errors}`);
  });
});

test("mysql2 queries through the manager", async () => {
  const server = mysql.createServer((connection) => {
    connection.on("error", () => {});
    connection.serverHandshake({
      protocolVersion: 10,
      serverVersion: "8.0.0",
      connectionId: 1,
      statusFlags: 2,
      characterSet: 8,
      capabilityFlags: 0xf7ff,
      authCallback: (_: unknown, done: (error: null) => void) => done(null),
    });
    connection.on("query", () => {
      connection.writeTextResult([{ text: "hello" }], [{
        catalog: "def",
        schema: "",
        table: "",
        orgTable: "",
        name: "text",
        orgName: "text",
        characterSet: 33,
        columnLength: 100,
        columnType: 253,
        flags: 0,
        decimals: 0,
      }]);
    });
  });
  // A port of its own choice, which its type does not know of.
  const { _server: listener } = server as unknown as { _server: Server };
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  await withManager([`127.0.0.1:${port}`], async (manager) => {
    const pool = mysqlPromise.createPool({
      stream: () => createConnection<Duplex>(manager, "db"),
      user: "app",
    });
    const [rows] = await pool.query("select 'hello' as text");
    assert.deepEqual(JSON.parse(JSON.stringify(rows)), [{ text: "hello" }]);
    await pool.end();
  });
  listener.close();
});

test("a stream connects when it is first used, and not before", async () => {
  await using server = await startServer();
  await withManager([server.address], async (manager) => {
    const unused = createConnection<Duplex>(manager, "db");
    unused.destroy();
    await once(unused, "close");
    assert.equal(manager.snapshot().endpoints[0]!.connects, 0);
    const stream = createConnection<Duplex & { connecting: boolean; remotePort: number }>(manager, "db");
    assert.equal(stream.connecting, true);
    stream.end("sent before there was a connection");
    let text = "";
    for await (const chunk of stream) text += chunk;
    assert.equal(text, "sent before there was a connection");
    assert.equal(stream.connecting, false);
  });
});

test("a large stream arrives whole, however slowly it is read", async () => {
  await using server = await startServer((socket) => {
    for (let count = 0; count < 40; count++) socket.write(new Uint8Array(100_000));
    socket.end();
  });
  await withManager([server.address], async (manager) => {
    const stream = createConnection<Duplex>(manager, "db");
    let bytes = 0;
    for await (const chunk of stream) {
      bytes += chunk.length;
      if (bytes % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.equal(bytes, 4_000_000);
    stream.destroy();
  });
});

test("a stream that cannot connect fails with what was tried; one destroyed while connecting leaves nothing", async () => {
  await withManager([await deadAddress()], async (manager) => {
    const stream = createConnection<Duplex>(manager, "db");
    stream.resume();
    const [error] = await once(stream, "error");
    assert.ok(error instanceof ConnectError);
    assert.equal(error.attempts.length, 2);
    const destroyed = createConnection<Duplex>(manager, "db");
    destroyed.resume();
    destroyed.destroy();
    await once(destroyed, "close");
  });
});

test("the deadline of the context ends the connecting of a stream", async () => {
  await using mute = await startServer(() => {});
  const endpoints = { db: { tiers: [[mute.address]], tls: { serverName: "db.test" } } };
  await withManager([], async (manager) => {
    const service = createContext({ name: `adapters-test-${mute.port}` });
    const request = service.child({ deadlineMs: 30 });
    const stream = request.run(() => createConnection<Duplex>(manager, "db").resume());
    const [error] = await once(stream, "error");
    assert.equal((error as { code?: string }).code, "TIMEOUT");
    request.close();
    service.close();
  }, { endpoints });
});

test("lookup knows endpoints: the addresses in rotation of the first tier that has any", async () => {
  const dns = createDnsCache({ hosts: { "one.test": ["10.0.0.1"], "two.test": ["10.0.0.2", "::2"] } });
  const manager = createConnectionManager({
    dns,
    endpoints: { db: { tiers: [["10.0.0.8:1", "one.test:1"], ["two.test:1"]] } },
    aliases: { orders: "db" },
  });
  const lookup = (name: string, options: { family?: number } = {}) =>
    new Promise<unknown>((resolve, reject) =>
      manager.lookup(
        name,
        { ...options, all: true },
        (error, found) =>
          error ? reject(error) : resolve((found as { address: string }[]).map(({ address }) => address)),
      )
    );
  await dns.preresolve(["one.test", "two.test"]);
  assert.deepEqual(await lookup("orders"), ["10.0.0.8", "10.0.0.1"]);
  manager.markDown("10.0.0.8:1");
  assert.deepEqual(await lookup("db"), ["10.0.0.1"]);
  manager.markDown("10.0.0.1:1");
  assert.deepEqual(await lookup("db"), ["10.0.0.2", "::2"]);
  assert.deepEqual(await lookup("db", { family: 6 }), ["::2"]);
  manager.markDown("db");
  assert.deepEqual(await lookup("db"), ["10.0.0.8", "10.0.0.1"], "where all are down, all are as good");
  assert.deepEqual(await lookup("two.test"), ["10.0.0.2", "::2"]);
  await assert.rejects(lookup("two.test", { family: 6 }).then(() => lookup("10.0.0.300")), {
    code: "ENOTFOUND",
  });
  await manager.close();
  await dns.close();
});
