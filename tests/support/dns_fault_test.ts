import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { simulatedClock } from "@ballast/runtime/testing";
import * as codec from "@leichtgewicht/dns-packet";
import type { DnsFault } from "../../examples/service/dns_server.ts";
import { framed, openTcp, query, until, withServer } from "./dns_client.ts";

describe("faults", () => {
  it("servfail, refused, nxdomain and empty are what the client is told, on both transports", async () => {
    const cases: [DnsFault["mode"], string, number, "servfail" | "refused" | "nxdomain" | "nodata"][] = [
      ["servfail", "SERVFAIL", 0, "servfail"],
      ["refused", "REFUSED", 0, "refused"],
      ["nxdomain", "NXDOMAIN", 1, "nxdomain"],
      ["empty", "NOERROR", 1, "nodata"],
    ];
    await withServer({}, async ({ ask, server }) => {
      for (const [mode, rcode, authorities, outcome] of cases) {
        server.setFault({ mode } as DnsFault);
        const tcp = await openTcp(server);
        await tcp.send(framed(query("api.demo.test", "A")));
        for (const reply of [await ask("api.demo.test", "A"), codec.decode(await tcp.next())]) {
          assert.equal(reply.rcode, rcode, mode);
          assert.deepEqual(reply.answers, [], mode);
          assert.equal(reply.authorities!.length, authorities, mode);
        }
        tcp.close();
        assert.equal(server.queries[outcome], 2);
      }
      server.setFault({ mode: "ok" });
      assert.equal((await ask("api.demo.test", "A")).answers!.length, 2);
    });
  });

  it("drop says nothing, and can be limited to names", async () => {
    await withServer({}, async ({ client, ask, server }) => {
      server.setFault({ mode: "drop", names: ["API.demo.test."] });
      await client.send(query("api.DEMO.test", "A"));
      await until(() => server.queries.dropped === 1);
      assert.equal((await ask("v4.demo.test", "A")).answers!.length, 1);
      assert.equal(client.unread, 0);
    });
  });

  it("delay sends the right reply, later", async () => {
    const clock = simulatedClock();
    await withServer({ clock }, async ({ client, server }) => {
      server.setFault({ mode: "delay", delayMs: 250 });
      await client.send(query("api.demo.test", "A"));
      await until(() => server.queries.delayed === 1);
      // The fault is over, the reply that it holds is not.
      server.setFault({ mode: "ok" });
      await clock.advance(249);
      await client.send(query("v4.demo.test", "A"));
      assert.equal(codec.decode(await client.next()).questions![0]!.name, "v4.demo.test");
      await clock.advance(1);
      assert.equal(codec.decode(await client.next()).answers!.length, 2);
    });
  });

  it("delay holds a bounded number of replies and forgets them on close", async () => {
    const clock = simulatedClock();
    await withServer({ clock }, async ({ server }) => {
      server.setFault({ mode: "delay", delayMs: 250 });
      const tcp = await openTcp(server);
      await tcp.send(Buffer.concat(Array(4_100).fill(framed(query("api.demo.test", "A")))));
      await until(() => server.queries.total === 4_100);
      assert.deepEqual([server.queries.delayed, server.queries.dropped], [4_096, 4]);
      await server.close();
      assert.equal(clock.pending, 0);
      await until(() => tcp.closed);
      assert.equal(tcp.unread, 0);
    });
  });

  it("truncate sends the client to TCP, where all is well", async () => {
    await withServer({}, async ({ ask, server }) => {
      server.setFault({ mode: "truncate" });
      const reply = await ask("v4.demo.test", "A");
      assert.deepEqual([reply.flag_tc, reply.answers, reply.rcode], [true, [], "NOERROR"]);
      const tcp = await openTcp(server);
      await tcp.send(framed(query("v4.demo.test", "A")));
      assert.equal(codec.decode(await tcp.next()).answers!.length, 1);
      tcp.close();
    });
  });

  it("wrong-id changes the id and nothing else", async () => {
    await withServer({}, async ({ exchange, server }) => {
      const right = await exchange(query("api.demo.test", "A"));
      server.setFault({ mode: "wrong-id" });
      const wrong = await exchange(query("api.demo.test", "A"));
      assert.notEqual(codec.decode(wrong).id, codec.decode(right).id);
      assert.deepEqual(wrong.subarray(2), right.subarray(2));
    });
  });

  it("garbage has the id and cannot be parsed", async () => {
    await withServer({}, async ({ exchange, server }) => {
      server.setFault({ mode: "garbage" });
      const asked = query("api.demo.test", "A");
      const reply = await exchange(asked);
      assert.deepEqual(reply.subarray(0, 2), asked.subarray(0, 2));
      assert.throws(() => codec.decode(reply));
    });
  });

  it("are checked: an unknown one leaves the old one on", async () => {
    await withServer({}, ({ server }) => {
      server.setFault({ mode: "delay", delayMs: 5 });
      assert.throws(
        () => server.setFault({ mode: "explode" } as unknown as DnsFault),
        /mode must be one of ok, drop/,
      );
      for (const delayMs of [-1, NaN, Infinity, undefined]) {
        assert.throws(
          () => server.setFault({ mode: "delay", delayMs } as DnsFault),
          /delayMs must be a number from 0/,
        );
      }
      assert.deepEqual(server.fault, { mode: "delay", delayMs: 5 });
      return Promise.resolve();
    });
  });
});
