import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decode, type SoaAnswer } from "@leichtgewicht/dns-packet";
import { type DnsServerOptions, startDnsServer } from "../../examples/service/dns_server.ts";
import { query, rawQuery, records, withServer, ZONE } from "./dns_client.ts";

describe("the zone", () => {
  it("answers with every address, in order, with its TTL and authority", async () => {
    await withServer({}, async ({ ask }) => {
      const reply = await ask("api.demo.test", "A");
      assert.equal(reply.rcode, "NOERROR");
      assert.equal(reply.flag_aa, true);
      assert.equal(reply.flag_rd, true);
      assert.equal(reply.flag_ra, false);
      assert.deepEqual(records(reply), ["api.demo.test 5 A 127.0.0.1", "api.demo.test 5 A 127.0.0.2"]);
      assert.deepEqual(reply.authorities, []);
      assert.deepEqual(records(await ask("api.demo.test", "AAAA")), ["api.demo.test 5 AAAA ::1"]);
    });
  });

  it("matches names in any case and echoes the query's spelling", async () => {
    await withServer({}, async ({ ask }) => {
      const reply = await ask("aPi.DEMO.test", "AAAA");
      assert.equal(reply.questions![0]!.name, "aPi.DEMO.test");
      assert.deepEqual(records(reply), ["aPi.DEMO.test 5 AAAA ::1"]);
    });
  });

  it("follows a chain of aliases", async () => {
    await withServer({}, async ({ ask }) => {
      assert.deepEqual(records(await ask("WWW.demo.test", "AAAA")), [
        "WWW.demo.test 60 CNAME front.demo.test",
        "front.demo.test 7 CNAME Api.demo.test",
        "Api.demo.test 5 AAAA ::1",
      ]);
      const itself = await ask("www.demo.test", "CNAME");
      assert.deepEqual(records(itself), ["www.demo.test 60 CNAME front.demo.test"]);
    });
  });

  it("leaves an alias out of the zone to the client, and ends one in a circle", async () => {
    await withServer({}, async ({ ask }) => {
      const away = await ask("away.demo.test", "A");
      assert.equal(away.rcode, "NOERROR");
      assert.deepEqual(records(away), ["away.demo.test 30 CNAME elsewhere.example"]);
      assert.deepEqual(records(await ask("ring.demo.test", "A")), [
        "ring.demo.test 30 CNAME gnir.demo.test",
        "gnir.demo.test 30 CNAME ring.demo.test",
      ]);
    });
  });

  it("says NXDOMAIN, and why, for an alias of a name that does not exist", async () => {
    await withServer({}, async ({ ask, server }) => {
      const reply = await ask("gone.demo.test", "A");
      assert.equal(reply.rcode, "NXDOMAIN");
      assert.deepEqual(records(reply), ["gone.demo.test 30 CNAME nobody.demo.test"]);
      assert.equal(reply.authorities![0]!.type, "SOA");
      assert.equal(server.queries.nxdomain, 1);
    });
  });

  it("says NODATA with an SOA where the name is there and the record is not", async () => {
    await withServer({}, async ({ ask, server }) => {
      for (
        const [name, type] of [["v4.demo.test", "AAAA"], ["api.demo.test", "MX"], ["demo.test", "A"]] as const
      ) {
        const reply = await ask(name, type);
        assert.equal(reply.rcode, "NOERROR");
        assert.deepEqual(reply.answers, []);
        assert.deepEqual(reply.authorities!.map((record) => `${record.name} ${record.type}`), [
          "demo.test SOA",
        ]);
      }
      assert.equal(server.queries.nodata, 3);
    });
  });

  it("says NODATA for a name that only has names below it", async () => {
    await withServer({}, async ({ ask }) => {
      assert.equal((await ask("deep.demo.test", "A")).rcode, "NOERROR");
      assert.equal((await ask("b.deep.demo.test", "A")).rcode, "NXDOMAIN");
    });
  });

  it("says NXDOMAIN with an SOA for a name below the apex that does not exist", async () => {
    await withServer({}, async ({ ask, server }) => {
      const reply = await ask("nope.demo.test", "A");
      assert.equal(reply.rcode, "NXDOMAIN");
      assert.equal(reply.flag_aa, true);
      assert.deepEqual(reply.answers, []);
      const [soa] = reply.authorities as SoaAnswer[];
      assert.equal(soa!.name, "demo.test");
      assert.equal(soa!.data.minimum, 30);
      assert.equal(server.queries.nxdomain, 1);
    });
  });

  it("refuses names outside the apex, other classes and transfers", async () => {
    await withServer({}, async ({ ask, exchange, server }) => {
      for (const name of ["example.com", "test", ".", "notdemo.test"]) {
        const reply = await ask(name, "A");
        assert.equal(reply.rcode, "REFUSED", name);
        assert.equal(reply.flag_aa, false, name);
        assert.deepEqual([reply.answers, reply.authorities], [[], []]);
      }
      const chaos = await exchange(query("demo.test", "TXT", { class: "CH" }));
      assert.equal(decode(chaos).rcode, "REFUSED");
      assert.equal((await ask("demo.test", "AXFR")).rcode, "REFUSED");
      assert.equal(server.queries.refused, 6);
    });
  });

  it("gives all it has for ANY, and its SOA at the apex", async () => {
    await withServer({}, async ({ ask }) => {
      assert.deepEqual((await ask("api.demo.test", "ANY")).answers!.map((record) => record.type), [
        "A",
        "A",
        "AAAA",
      ]);
      assert.deepEqual((await ask("www.demo.test", "ANY")).answers!.map((record) => record.type), ["CNAME"]);
      assert.deepEqual((await ask("demo.test", "SOA")).answers!.map((record) => record.type), ["SOA"]);
    });
  });

  it("does not take a dot inside a label for one between labels", async () => {
    await withServer({}, async ({ exchange, server }) => {
      const labels = [[..."api.demo"], [..."test"]].map((label) => label.map((c) => c.charCodeAt(0)));
      const bytes = rawQuery(labels);
      const reply = await exchange(bytes);
      assert.equal(decode(reply).rcode, "REFUSED");
      assert.deepEqual(reply.subarray(12), bytes.subarray(12));
      assert.equal(server.log.at(-1)!.name, "api\\046demo.test");
    });
  });

  it("echoes labels that are no text byte for byte", async () => {
    await withServer({}, async ({ exchange, server }) => {
      const bytes = rawQuery([[0xff, 0xc3, 0x28, 0], [..."demo"].map((c) => c.charCodeAt(0)), [
        116,
        101,
        115,
        116,
      ]]);
      const reply = await exchange(bytes);
      assert.equal(reply[3]! & 0xf, 3);
      assert.deepEqual(reply.subarray(12, bytes.length), bytes.subarray(12));
      assert.equal(server.log.at(-1)!.name, "\\255\\195(\\000.demo.test");
    });
  });

  it("takes its apex from what the names have in common", async () => {
    const cases: [DnsServerOptions["zone"], string][] = [
      [{}, "demo.test"],
      [{ "api.demo.test": {} }, "demo.test"],
      [{ "localhost": {} }, "localhost"],
      [{ "A.one.test": {}, "b.ONE.test.": {} }, "one.test"],
      [{ "one.test": {}, "b.one.test": {} }, "one.test"],
      [{ "x.one.test": {}, "y.two.test": {} }, "test"],
    ];
    for (const [zone, origin] of cases) {
      const server = await startDnsServer({ zone });
      assert.equal(server.origin, origin);
      await server.close();
    }
  });

  it("is replaced while it runs, and kept when its successor is not valid", async () => {
    await withServer({}, async ({ ask, server }) => {
      server.setZone({ "new.demo.test": { a: ["127.0.0.9"] } });
      assert.deepEqual(records(await ask("new.demo.test", "A")), ["new.demo.test 30 A 127.0.0.9"]);
      const gone = await ask("api.demo.test", "A");
      assert.equal(gone.rcode, "NXDOMAIN");
      assert.equal((gone.authorities as SoaAnswer[])[0]!.data.serial, 2);

      assert.throws(() => server.setZone({ "x.example": {} }), /"x.example" is not below "demo.test"/);
      assert.equal((await ask("new.demo.test", "A")).rcode, "NOERROR");
      server.setZone({});
      assert.equal((await ask("new.demo.test", "A")).rcode, "NXDOMAIN");
    });
  });

  it("is checked: each mistake is named", async () => {
    const cases: [DnsServerOptions["zone"], RegExp][] = [
      [{ "api.demo.test": { a: ["::1"] } }, /"api.demo.test": "a" must list IPv4 addresses, got "::1"/],
      [{ "api.demo.test": { aaaa: ["1.2.3.4"] } }, /"aaaa" must list IPv6 addresses, got "1.2.3.4"/],
      [{ "api.demo.test": { ttl: -1 } }, /"ttl" must be whole seconds up to 2147483647, got -1/],
      [
        { "api.demo.test": { cname: "b.demo.test", a: ["1.2.3.4"] } },
        /an alias \("cname"\) can have no other record/,
      ],
      [{ "api.demo.test": { cname: "b..demo" } }, /"cname" must be a domain name, got "b..demo"/],
      [{ "a b.demo.test": {} }, /zone name must be a domain name, got "a b.demo.test"/],
      [{ [`${"x".repeat(64)}.demo.test`]: {} }, /zone name must be a domain name/],
      [{ "api.demo.test": {}, "API.demo.test.": {} }, /zone name "API.demo.test." is given twice/],
      [{ "a.test": {}, "b.example": {} }, /share no suffix: a.test, b.example/],
    ];
    for (const [zone, message] of cases) {
      await assert.rejects(startDnsServer({ zone }), { name: "TypeError", message });
    }
    await assert.rejects(startDnsServer({ zone: ZONE, origin: "other.test" }), /is not below "other.test"/);
    await assert.rejects(
      startDnsServer({ zone: ZONE, hostname: "localhost" }),
      /hostname must be an IP address/,
    );
  });
});
