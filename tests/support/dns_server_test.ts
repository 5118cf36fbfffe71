import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, it } from "node:test";
import { simulatedClock } from "@ballast/runtime/testing";
import * as codec from "@leichtgewicht/dns-packet";
import fc from "fast-check";
import { respond } from "../../examples/service/dns_respond.ts";
import {
  type DnsServerOptions,
  type EmbeddedDnsServer,
  startDnsServer,
} from "../../examples/service/dns_server.ts";
import { createZone } from "../../examples/service/dns_zone.ts";
import {
  framed,
  isReplyTo,
  openTcp,
  type OptFields,
  query,
  rawQuery,
  type TcpClient,
  until,
  withServer,
  ZONE,
} from "./dns_client.ts";

describe("the protocol", () => {
  it("answers FORMERR to a query that cannot be read, under its id", async () => {
    const good = query("api.demo.test", "A");
    const patched = (at: number, ...bytes: number[]) => {
      const copy = good.slice();
      copy.set(bytes, at);
      return copy;
    };
    const compressed = [...good.subarray(0, 12), 0xc0, 4, 0, 1, 0, 1];
    const crowd = Array<codec.Answer>(9).fill({ type: "A", name: "x", data: "1.2.3.4" });
    const malformed: [string, Uint8Array][] = [
      ["no question", good.slice(0, 12)],
      ["two questions announced", patched(4, 0, 2)],
      ["a name without its end", good.slice(0, 20)],
      ["no type and class", good.slice(0, -4)],
      ["half a class", good.slice(0, -1)],
      ["a compressed question", patched(12, 0xc0, 0x0c)],
      [
        "a compressed question with room for a long label",
        Uint8Array.of(...compressed, ...Array(300).fill(0)),
      ],
      ["a label of 64 bytes", patched(12, 64)],
      ["records announced that do not follow", patched(10, 0, 1)],
      ["sixty thousand records announced", patched(6, 0xff, 0xff)],
      ["nine records", codec.encode({ ...codec.decode(good), additionals: crowd })],
      ["two OPT records", query("api.demo.test", "A", { opt: [{}, {}] })],
      ["an OPT record without its end", query("api.demo.test", "A", { opt: [{}] }).slice(0, -3)],
      ["a name of 256 bytes", rawQuery(Array.from({ length: 4 }, () => Array(63).fill(97)))],
    ];
    await withServer({}, async ({ exchange, server }) => {
      for (const [what, bytes] of malformed) {
        const answered = await exchange(bytes);
        const reply = codec.decode(answered);
        assert.equal((codec.decode as { bytes?: number }).bytes, answered.length, what);
        assert.equal(reply.rcode, "FORMERR", what);
        assert.equal(reply.id, codec.decode(good).id, what);
        assert.deepEqual(reply.answers, [], what);
      }
      assert.equal(server.queries.formerr, malformed.length);
    });
  });

  it("answers NOTIMP to other opcodes, and repeats the opcode", async () => {
    await withServer({}, async ({ exchange }) => {
      const update = query("demo.test", "SOA");
      update[2] = 5 << 3;
      const reply = codec.decode(await exchange(update));
      assert.equal(reply.rcode, "NOTIMP");
      assert.equal(reply.opcode, "UPDATE");
    });
  });

  it("says nothing to replies and to less than a header", async () => {
    await withServer({}, async ({ client, ask, server }) => {
      const response = query("api.demo.test", "A");
      response[2]! |= 0x80;
      for (const noise of [new Uint8Array(), Uint8Array.of(1, 2, 3), response]) await client.send(noise);
      await until(() => server.queries.ignored === 3);
      assert.equal((await ask("api.demo.test", "A")).rcode, "NOERROR");
      assert.equal(client.unread, 0);
      assert.equal(server.queries.total, 4);
    });
  });

  it("speaks EDNS to those who do, and only to them", async () => {
    await withServer({}, async ({ exchange }) => {
      assert.deepEqual(codec.decode(await exchange(query("api.demo.test", "A"))).additionals, []);
      const reply = codec.decode(await exchange(query("api.demo.test", "A", { opt: [{ flags: 0x8001 }] })));
      const opt = reply.additionals![0] as codec.Answer & OptFields;
      assert.equal(opt.type, "OPT");
      assert.equal(opt.udpPayloadSize, 4096);
      assert.equal(opt.ednsVersion, 0);
      assert.equal(opt.flags, codec.DNSSEC_OK);
      assert.equal(reply.answers!.length, 2);
    });
  });

  it("answers BADVERS to an EDNS version that does not exist", async () => {
    await withServer({}, async ({ exchange, server }) => {
      const reply = codec.decode(await exchange(query("api.demo.test", "A", { opt: [{ ednsVersion: 1 }] })));
      const opt = reply.additionals![0] as codec.Answer & OptFields;
      assert.deepEqual([reply.rcode, opt.extendedRcode, opt.ednsVersion], ["NOERROR", 1, 0]);
      assert.deepEqual(reply.answers, []);
      assert.equal(server.queries.badvers, 1);
    });
  });

  it("cuts UDP replies at 512 bytes, or at the size that EDNS allows", async () => {
    await withServer({}, async ({ exchange, server }) => {
      const sizes: [number | undefined, boolean][] = [[undefined, true], [1, true], [1232, true], [
        4096,
        false,
      ]];
      for (const [udpPayloadSize, truncated] of sizes) {
        const opt = udpPayloadSize === undefined ? [] : [{ udpPayloadSize }];
        const bytes = await exchange(query("many.demo.test", "A", { opt }));
        const reply = codec.decode(bytes);
        assert.ok(bytes.length <= Math.max(512, udpPayloadSize ?? 0));
        assert.equal(reply.flag_tc, truncated, `EDNS size ${udpPayloadSize}`);
        assert.equal(reply.answers!.length, truncated ? 0 : 60);
        assert.equal(reply.additionals!.length, opt.length);
      }
      assert.deepEqual([server.queries.truncated, server.queries.answered], [3, 1]);
    });
  });

  it("gives the whole answer by TCP", async () => {
    await withServer({}, async ({ server }) => {
      const tcp = await openTcp(server);
      await tcp.send(framed(query("many.demo.test", "A")));
      const reply = codec.decode(await tcp.next());
      assert.equal(reply.flag_tc, false);
      assert.equal(reply.answers!.length, 60);
      assert.equal(server.log.at(-1)!.transport, "tcp");
      tcp.close();
    });
  });

  it("answers several queries on one TCP connection, however they are cut up", async () => {
    await withServer({}, async ({ server }) => {
      const tcp = await openTcp(server);
      const first = framed(query("api.demo.test", "A", { id: 1 }));
      const second = framed(query("nope.demo.test", "A", { id: 2 }));
      await tcp.send(Buffer.concat([first, second, framed(new Uint8Array()), first.subarray(0, 9)]));
      assert.equal(codec.decode(await tcp.next()).rcode, "NOERROR");
      assert.equal(codec.decode(await tcp.next()).rcode, "NXDOMAIN");
      for (const byte of first.subarray(9)) await tcp.send(Uint8Array.of(byte));
      assert.equal(codec.decode(await tcp.next()).id, 1);
      tcp.close();
    });
  });

  it("closes a TCP connection on which nothing was asked for a while", async () => {
    const clock = simulatedClock();
    await withServer({ clock, idleTimeoutMs: 1_000 }, async ({ server }) => {
      const tcp = await openTcp(server);
      await tcp.send(framed(query("api.demo.test", "A")));
      await tcp.next();
      await clock.advance(999);
      await tcp.send(framed(query("api.demo.test", "A")));
      await tcp.next();
      await clock.advance(999);
      assert.equal(tcp.closed, false);
      // Half a query is not one.
      await tcp.send(Uint8Array.of(0));
      await clock.advance(1);
      await until(() => tcp.closed);

      const leaving = await openTcp(server);
      await until(() => clock.pending === 1);
      leaving.close();
      await until(() => clock.pending === 0);
    });
  });

  it("closes TCP connections beyond its limit, and serves the others", async () => {
    await withServer({}, async ({ server }) => {
      const clients: TcpClient[] = [];
      while (clients.length < 128) clients.push(await openTcp(server));
      const extra = await openTcp(server);
      await until(() => extra.closed);
      const last = clients.at(-1)!;
      await last.send(framed(query("api.demo.test", "A")));
      assert.equal(codec.decode(await last.next()).answers!.length, 2);
      assert.equal(clients.some(({ closed }) => closed), false);
      for (const client of clients) client.close();
    });
  });

  it("does not go on for a TCP client that reads no reply", async () => {
    await withServer({}, async ({ server }) => {
      const tcp = await openTcp(server);
      tcp.pause();
      const asked = 8_000;
      const sent = tcp.send(Buffer.concat(Array(asked).fill(framed(query("many.demo.test", "A")))));
      await untilSteady(() => server.queries.total);
      assert.ok(server.queries.total < asked, "all queries were answered into memory");
      tcp.resume();
      await sent;
      await until(() => tcp.unread === asked);
      tcp.close();
    });
  });

  it("survives any datagram", async () => {
    await withServer({}, async ({ client, exchange }) => {
      const mutated = fc.record({ at: fc.nat(60), byte: fc.nat(255), cut: fc.nat(60) }).map(
        ({ at, byte, cut }) => {
          const bytes = query("api.demo.test", "A", { opt: [{}] });
          bytes[at % bytes.length] = byte;
          return bytes.slice(0, Math.max(12, bytes.length - cut));
        },
      );
      const datagram = fc.oneof(fc.uint8Array({ maxLength: 700 }), mutated);
      await fc.assert(
        fc.asyncProperty(fc.array(datagram, { minLength: 1, maxLength: 10 }), async (datagrams) => {
          for (const bytes of datagrams) await client.send(bytes);
          const reply = codec.decode(
            await exchange(query("v4.demo.test", "A", { id: 0xbeef }), isReplyTo(0xbeef)),
          );
          assert.equal(reply.answers!.length, 1);
        }),
        { numRuns: 100 },
      );
    });
  });

  it("survives any TCP stream", async () => {
    await withServer({}, async ({ server, ask }) => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
          const tcp = await openTcp(server);
          await tcp.send(bytes);
          tcp.close();
        }),
        { numRuns: 50 },
      );
      assert.equal((await ask("api.demo.test", "A")).rcode, "NOERROR");
    });
  });

  it("whatever is asked, a reply has the query's id, can be parsed and fits", () => {
    const zone = createZone(ZONE, "demo.test", 1);
    const label = fc.uint8Array({ minLength: 1, maxLength: 70 }).map((bytes) => [...bytes]);
    const known = fc.constantFrom("api", "www", "many", "demo", "test").map((text) => [...Buffer.from(text)]);
    const asked = fc.array(fc.oneof(label, known), { maxLength: 5 }).map((labels) => rawQuery(labels));
    const message = fc.oneof(fc.uint8Array({ maxLength: 300 }), asked);
    const transport = fc.constantFrom("udp" as const, "tcp" as const);
    fc.assert(
      fc.property(message, transport, (bytes, transport) => {
        const { reply, outcome } = respond(bytes, transport, zone, { mode: "ok" });
        if (reply === undefined) return assert.equal(outcome, "ignored");
        assert.deepEqual(reply.subarray(0, 2), bytes.subarray(0, 2));
        assert.equal(codec.decode(reply).type, "response");
        assert.ok(reply.length <= (transport === "udp" ? 4096 : 65535));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("the server", () => {
  it("is understood by the runtime's own resolver", async () => {
    await withServer({}, async ({ server }) => {
      const resolver = new Resolver({ timeout: 2_000, tries: 1 });
      resolver.setServers([`${server.address}:${server.port}`]);
      assert.deepEqual(await resolver.resolve4("v4.demo.test", { ttl: true }), [{
        address: "127.0.0.4",
        ttl: 30,
      }]);
      assert.deepEqual(await resolver.resolve6("www.demo.test"), ["::1"]);
      server.setFault({ mode: "truncate" });
      assert.equal((await resolver.resolve4("many.demo.test")).length, 60);
      assert.ok(server.log.some((entry) => entry.transport === "tcp" && entry.name === "many.demo.test"));
      server.setFault({ mode: "ok" });
      await assert.rejects(resolver.resolve4("nope.demo.test"));
      server.setFault({ mode: "servfail" });
      // Not a name that it has asked for before: newer resolvers remember.
      await assert.rejects(resolver.resolve4("a.deep.demo.test"));
      assert.ok(server.queries.nxdomain > 0 && server.queries.servfail > 0);
    });
  });

  it("remembers the last 256 queries and counts all", async () => {
    const clock = simulatedClock({ startMs: 1_000 });
    await withServer({ clock }, async ({ server }) => {
      assert.deepEqual(server.log, []);
      const tcp = await openTcp(server);
      const queries = Array.from({ length: 300 }, (_, i) => framed(query(`n${i}.demo.test`, "AAAA")));
      await tcp.send(Buffer.concat(queries));
      await until(() => server.queries.total === 300);
      assert.equal(server.queries.nxdomain, 300);
      assert.equal(server.log.length, 256);
      const entry = { at: 1_000, type: "AAAA", transport: "tcp", outcome: "nxdomain" };
      assert.deepEqual(server.log[0], { ...entry, name: "n44.demo.test" });
      assert.deepEqual(server.log[255], { ...entry, name: "n299.demo.test" });
      tcp.close();
    });
  });

  it("tells onQuery of every query and does not mind what it throws", async () => {
    const seen: string[] = [];
    const onQuery: DnsServerOptions["onQuery"] = ({ name, type, outcome }) => {
      seen.push(`${name} ${type} ${outcome}`);
      throw new Error("the listener's own");
    };
    await withServer({ onQuery }, async ({ ask }) => {
      assert.equal((await ask("api.demo.test", "A")).rcode, "NOERROR");
      assert.equal((await ask("nope.demo.test", "A")).rcode, "NXDOMAIN");
      assert.deepEqual(seen, ["api.demo.test A answered", "nope.demo.test A nxdomain"]);
    });
  });

  it("can be closed by its listener, in the midst of a query", async () => {
    for (const transport of ["udp", "tcp"] as const) {
      const clock = simulatedClock();
      const onQuery = () => void server!.close();
      let server: EmbeddedDnsServer | undefined;
      await withServer({ clock, onQuery }, async (setting) => {
        server = setting.server;
        server.setFault({ mode: "delay", delayMs: 1_000, names: ["api.demo.test"] });
        const tcp = await openTcp(server);
        const messages = ["api.demo.test", "v4.demo.test"].map((name) => query(name, "A"));
        if (transport === "udp") { for (const message of messages) await setting.client.send(message); }
        else await tcp.send(Buffer.concat(messages.map(framed)));
        await until(() => tcp.closed);
        assert.equal(server.queries.total, 1);
        assert.equal(clock.pending, 0);
      });
    }
  });

  it("says which port is taken, by TCP or by UDP", async () => {
    const tcp = createServer().listen(0, "127.0.0.1");
    await once(tcp, "listening");
    const { port } = tcp.address() as AddressInfo;
    const message = `no DNS server on 127.0.0.1 port ${port}: the port is taken (EADDRINUSE)`;
    await assert.rejects(startDnsServer({ zone: {}, port }), { message });
    await new Promise((resolve) => tcp.close(resolve));

    const udp = createSocket("udp4");
    udp.bind(port, "127.0.0.1");
    await once(udp, "listening");
    await assert.rejects(startDnsServer({ zone: {}, port }), { message });
    await new Promise<void>((resolve) => udp.close(resolve));

    const server = await startDnsServer({ zone: {}, port });
    assert.equal(server.port, port);
    await server.close();
  });

  it("closes once, however often it is told to, and lets its port go", async () => {
    const server = await startDnsServer({ zone: ZONE });
    const tcp = await openTcp(server);
    await Promise.all([server.close(), server.close(), server[Symbol.asyncDispose]()]);
    await server.close();
    await until(() => tcp.closed);
    const next = await startDnsServer({ zone: ZONE, port: server.port });
    await next.close();
  });
});

/** Waits until a number has not changed for a fifth of a second. */
async function untilSteady(read: () => number): Promise<void> {
  for (let last = -1; last !== read();) {
    last = read();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
