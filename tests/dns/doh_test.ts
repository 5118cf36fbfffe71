import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DnsAnswer, RecordType, Resolver } from "@ballast/runtime/dns";
import { createDnsCache } from "@ballast/runtime/dns";
import { type Answer, encode, type Packet } from "@leichtgewicht/dns-packet";
import fc from "fast-check";
import { dohResolver } from "../../src/dns/doh.ts";
import { type DohServer, startDohServer } from "../support/doh_server.ts";

const ZONE = {
  "api.demo.test": { a: ["127.0.0.1", "127.0.0.2"], aaaa: ["2001:db8::1"], ttl: 40 },
  "v4.demo.test": { a: ["127.0.0.4"], ttl: 300 },
  "www.demo.test": { cname: "front.demo.test", ttl: 60 },
  "front.demo.test": { cname: "Api.demo.test.", ttl: 7 },
  "away.demo.test": { cname: "elsewhere.example", ttl: 5 },
  "gone.demo.test": { cname: "nobody.demo.test", ttl: 3 },
};

async function withServer(run: (server: DohServer, resolver: Resolver) => Promise<void>): Promise<void> {
  const server = await startDohServer(ZONE, "demo.test");
  try {
    await run(server, dohResolver({ url: server.url }));
  } finally {
    await server.close();
  }
}

function ask(
  resolver: Resolver,
  name: string,
  type: RecordType = "A",
  signal?: AbortSignal,
): Promise<DnsAnswer> {
  return resolver.query(name, type, { timeoutMs: 1_000, signal });
}

/** A service that answers every request with this response. */
function saying(response: () => Response | Promise<Response>): Resolver {
  return dohResolver({ url: "https://dns.example/dns-query", fetch: async () => await response() });
}

const A = { type: "A", name: "api.demo.test", ttl: 30, data: "10.0.0.1" } as const;
const QUESTION = { type: "A", name: "api.demo.test" } as const;

/** A service whose reply to `api.demo.test A` is that packet. */
function replying(packet: Packet, headers: Record<string, string> = {}): Resolver {
  const bytes = Uint8Array.from(encode({ type: "response", questions: [QUESTION], ...packet }));
  return saying(() => message(bytes, headers));
}

function message(bytes: BodyInit, headers: Record<string, string> = {}): Response {
  return new Response(bytes, { headers: { "content-type": "application/dns-message", ...headers } });
}

function reasonOf(answer: DnsAnswer): string {
  assert.equal(answer.verdict, "failed");
  return (answer as { reason: string }).reason;
}

describe("dohResolver()", () => {
  it("tells addresses, NXDOMAIN, NODATA and failures apart, each with its TTL", async () => {
    await withServer(async (server, resolver) => {
      assert.deepEqual(await ask(resolver, "api.demo.test"), {
        verdict: "addresses",
        addresses: ["127.0.0.1", "127.0.0.2"],
        ttlMs: 40_000,
      });
      assert.deepEqual(await ask(resolver, "api.demo.test", "AAAA"), {
        verdict: "addresses",
        addresses: ["2001:db8::1"],
        ttlMs: 40_000,
      });
      assert.deepEqual(await ask(resolver, "nobody.demo.test"), { verdict: "nonexistent", ttlMs: 30_000 });
      assert.deepEqual(await ask(resolver, "v4.demo.test", "AAAA"), { verdict: "empty", ttlMs: 30_000 });
      assert.deepEqual(await ask(resolver, "elsewhere.example"), { verdict: "failed", reason: "REFUSED" });
      server.setFault({ mode: "servfail" });
      assert.deepEqual(await ask(resolver, "api.demo.test"), { verdict: "failed", reason: "SERVFAIL" });
    });
  });

  it("follows aliases within the reply; the lowest TTL on the way counts", async () => {
    await withServer(async (_, resolver) => {
      assert.deepEqual(await ask(resolver, "www.demo.test"), {
        verdict: "addresses",
        addresses: ["127.0.0.1", "127.0.0.2"],
        ttlMs: 7_000,
      });
      assert.deepEqual(await ask(resolver, "gone.demo.test"), { verdict: "nonexistent", ttlMs: 3_000 });
      // The reply says nothing of where the alias leads: as to Node's resolver, there is no address.
      assert.deepEqual(await ask(resolver, "away.demo.test"), { verdict: "empty" });
    });
  });

  it("takes records in any order and case, and only those the aliases lead to", async () => {
    const resolver = replying({
      answers: [
        { type: "A", name: "unrelated.test", ttl: 1, data: "10.9.9.9" },
        { type: "A", name: "END.test", ttl: 90, data: "10.0.0.1" },
        { type: "A", name: "end.test", ttl: 80, data: "10.0.0.1" },
        { type: "CNAME", name: "API.demo.test", ttl: 60, data: "End.Test" },
      ],
    });
    assert.deepEqual(await ask(resolver, "api.demo.test"), {
      verdict: "addresses",
      addresses: ["10.0.0.1"],
      ttlMs: 60_000,
    });
  });

  it("fails on aliases in a circle", async () => {
    const ring: Answer[] = [
      { type: "CNAME", name: "api.demo.test", ttl: 60, data: "b.test" },
      { type: "CNAME", name: "b.test", ttl: 60, data: "api.demo.test" },
    ];
    assert.match(reasonOf(await ask(replying({ answers: ring }), "api.demo.test")), /aliases .* do not end/);
  });

  it("asks with the id 0, by GET or POST, and keeps what the URL says", async () => {
    await withServer(async (server) => {
      for (const method of ["GET", "POST"] as const) {
        const url = `${server.url}?profile=7#part`;
        const answer = await ask(dohResolver({ url, method, headers: { "x-key": "k" } }), "api.demo.test");
        assert.equal(answer.verdict, "addresses");
      }
      const [get, post] = server.requests;
      assert.match(get!.target, /^\/dns-query\?profile=7&dns=[\w-]+$/);
      assert.equal(post!.target, "/dns-query?profile=7");
      assert.equal(post!.headers["content-type"], "application/dns-message");
      for (const { headers, message } of server.requests) {
        assert.equal(headers.accept, "application/dns-message");
        assert.equal(headers["x-key"], "k");
        assert.deepEqual([...message.slice(0, 6)], [0, 0, 1, 0, 0, 1]); // id 0, recursion desired, one question
      }
      assert.deepEqual(get!.message, post!.message);
    });
  });

  it("takes a URI template, as services publish it", async () => {
    await withServer(async (server) => {
      const answer = await ask(dohResolver({ url: `${server.url}{?dns}` }), "v4.demo.test");
      assert.equal(answer.verdict, "addresses");
      assert.match(server.requests[0]!.target, /^\/dns-query\?dns=[\w-]+$/);
    });
  });

  it("counts the time a reply was in an HTTP cache (RFC 8484, 5.1)", async () => {
    await withServer(async (server, resolver) => {
      const ttls: unknown[] = [];
      for (const age of ["15", "15, 3", "41", "soon", "-4"]) {
        server.setHttpFault({ mode: "age", age });
        ttls.push((await ask(resolver, "api.demo.test") as { ttlMs?: number }).ttlMs);
      }
      assert.deepEqual(ttls, [25_000, 25_000, 0, 40_000, 40_000]);
      server.setHttpFault({ mode: "age", age: "12" });
      assert.deepEqual(await ask(resolver, "nobody.demo.test"), { verdict: "nonexistent", ttlMs: 18_000 });
    });
  });

  it("a denial lasts as long as the lower of the SOA's TTL and minimum, or as long as the cache likes", async () => {
    const soa = (ttl: number, minimum: number): Answer => ({
      type: "SOA",
      name: "demo.test",
      ttl,
      data: { mname: "ns.demo.test", rname: "hostmaster.demo.test", minimum },
    });
    const denied = (authorities: Answer[]) => ask(replying({ flags: 3, authorities }), "api.demo.test");
    assert.deepEqual(await denied([soa(900, 60)]), { verdict: "nonexistent", ttlMs: 60_000 });
    assert.deepEqual(await denied([soa(20, 60)]), { verdict: "nonexistent", ttlMs: 20_000 });
    assert.deepEqual(await denied([]), { verdict: "nonexistent" });
  });

  it("a TTL with the highest bit set is zero (RFC 2181, 8)", async () => {
    const answer = await ask(replying({ answers: [{ ...A, ttl: 2 ** 31 }] }), "api.demo.test");
    assert.equal((answer as { ttlMs?: number }).ttlMs, 0);
  });

  it("names the rcode of a failure", async () => {
    const reasons = [];
    for (const rcode of [1, 2, 4, 5, 9]) {
      reasons.push(reasonOf(await ask(replying({ flags: rcode, answers: [A] }), "api.demo.test")));
    }
    assert.deepEqual(reasons, ["FORMERR", "SERVFAIL", "NOTIMP", "REFUSED", "NOTAUTH"]);
  });

  it("refuses a reply to another question, a query, a truncated reply and garbage", async () => {
    const wrong: [Packet, RegExp][] = [
      [{ questions: [{ ...QUESTION, name: "evil.test" }], answers: [A] }, /another question/],
      [{ questions: [{ ...QUESTION, type: "AAAA" }], answers: [A] }, /another question/],
      [{ questions: [], answers: [A] }, /another question/],
      [{ questions: [QUESTION, QUESTION], answers: [A] }, /another question/],
      [{ type: "query", answers: [A] }, /no reply/],
      [{ flags: 2 << 11, answers: [A] }, /no reply/],
    ];
    for (const [packet, reason] of wrong) {
      assert.match(reasonOf(await ask(replying(packet), "api.demo.test")), reason);
    }
    await withServer(async (server, resolver) => {
      server.setHttpFault({ mode: "truncate" });
      assert.match(reasonOf(await ask(resolver, "api.demo.test")), /truncated/);
      server.setHttpFault({ mode: "ok" });
      server.setFault({ mode: "garbage" });
      assert.match(reasonOf(await ask(resolver, "api.demo.test")), /no DNS message/);
      server.setHttpFault({ mode: "body", bytes: new Uint8Array() });
      assert.match(reasonOf(await ask(resolver, "api.demo.test")), /no DNS message/);
    });
  });

  it("reports what HTTP does wrong", async () => {
    await withServer(async (server, resolver) => {
      const reason = async (fault: Parameters<DohServer["setHttpFault"]>[0]) => {
        server.setHttpFault(fault);
        return reasonOf(await ask(resolver, "api.demo.test"));
      };
      assert.equal(await reason({ mode: "status", status: 503 }), "HTTP 503");
      assert.equal(await reason({ mode: "status", status: 404 }), "HTTP 404");
      assert.equal(
        await reason({ mode: "type", contentType: "application/dns-json" }),
        'the reply is "application/dns-json", not application/dns-message',
      );
      assert.ok(await reason({ mode: "reset" }));
      server.setHttpFault({ mode: "type", contentType: "Application/DNS-Message; charset=x" });
      assert.equal((await ask(resolver, "api.demo.test")).verdict, "addresses");
    });
    const server = await startDohServer(ZONE, "demo.test");
    await server.close();
    assert.ok(reasonOf(await ask(dohResolver({ url: server.url }), "api.demo.test")).length > 0);
  });

  it("follows no redirect", async () => {
    await withServer(async (server, resolver) => {
      server.setHttpFault({ mode: "redirect", location: server.url });
      assert.match(reasonOf(await ask(resolver, "api.demo.test")), /redirects \(HTTP 307\)/);
      assert.equal(server.requests.length, 1);
    });
  });

  it("reads 65535 bytes of a body, then leaves it", async () => {
    const bytes = Uint8Array.from(encode({ type: "response", questions: [QUESTION], answers: [A] }));
    const padded = (length: number) => {
      const whole = new Uint8Array(length);
      whole.set(bytes);
      return whole;
    };
    assert.equal((await ask(saying(() => message(padded(65_535))), "api.demo.test")).verdict, "addresses");
    assert.match(
      reasonOf(await ask(saying(() => message(padded(65_536))), "api.demo.test")),
      /longer than 65535 bytes/,
    );
    await withServer(async (server, resolver) => {
      server.setHttpFault({ mode: "flood" });
      assert.match(reasonOf(await ask(resolver, "api.demo.test")), /longer than 65535 bytes/);
      await until(() => server.abandoned === 1);
    });
  });

  it("ends with its signal, at any stage, and leaves no response open", async () => {
    await withServer(async (server, resolver) => {
      for (const mode of ["hang", "stall"] as const) {
        server.setHttpFault({ mode });
        const controller = new AbortController();
        const reason = new Error("no time left");
        const asked = server.requests.length;
        const answer = ask(resolver, "api.demo.test", "A", controller.signal);
        await until(() => server.requests.length > asked);
        controller.abort(reason);
        await assert.rejects(answer, reason);
      }
      await until(() => server.abandoned === 2);
      await assert.rejects(
        ask(resolver, "api.demo.test", "A", AbortSignal.abort(new Error("before"))),
        /before/,
      );
      assert.equal(server.requests.length, 2);
    });
  });

  it("does not wait for a fetch or a body that ignores the signal, and cancels what comes late", async () => {
    const cancelled: string[] = [];
    const body = (name: string) => new ReadableStream({ cancel: () => void cancelled.push(name) });
    let respond = (_: Response) => {};
    const late = new Promise<Response>((resolve) => respond = resolve);
    const controller = new AbortController();
    const answers = [
      ask(saying(() => late), "api.demo.test", "A", controller.signal),
      ask(
        saying(() =>
          new Response(body("silent"), { headers: { "content-type": "application/dns-message" } })
        ),
        "api.demo.test",
        "A",
        controller.signal,
      ),
    ];
    await new Promise((resolve) => setTimeout(resolve, 0));
    controller.abort(new Error("enough"));
    for (const answer of answers) await assert.rejects(answer, /enough/);
    respond(new Response(body("late")));
    await until(() => cancelled.length === 2);
    assert.deepEqual(cancelled.sort(), ["late", "silent"]);
  });

  it("cancels the body of every response it does not read", async () => {
    for (const init of [{ status: 500 }, { status: 302 }, { headers: { "content-type": "text/html" } }]) {
      let cancelled = false;
      const body = new ReadableStream({ cancel: () => void (cancelled = true) });
      reasonOf(await ask(saying(() => new Response(body, init)), "api.demo.test"));
      assert.ok(cancelled, JSON.stringify(init));
    }
  });

  it("whatever fetch throws or gives is an answer", async () => {
    const cause = new Error("connect ECONNREFUSED");
    const cases: [() => Response | Promise<Response>, RegExp][] = [
      [
        () => Promise.reject(new TypeError("fetch failed", { cause })),
        /^fetch failed: connect ECONNREFUSED$/,
      ],
      [() => Promise.reject("a string"), /^a string$/],
      [() => undefined as unknown as Response, /./],
      [() => ({ status: 200 }) as Response, /./],
      [() => message("text"), /no DNS message/],
      [() => message(new ReadableStream({ start: (c) => c.error(new Error("cut")) })), /cut/],
    ];
    for (const [response, reason] of cases) {
      assert.match(reasonOf(await ask(saying(response), "api.demo.test")), reason);
    }
    const throwing = dohResolver({
      url: "https://dns.example/",
      fetch: () => {
        throw new Error("at once");
      },
    });
    assert.equal(reasonOf(await ask(throwing, "api.demo.test")), "at once");
  });

  it("says which options make no sense", () => {
    const bad: [Parameters<typeof dohResolver>[0], RegExp][] = [
      [{ url: "dns.example" }, /url must be an https: URL, or an http: one on the loopback.*"dns.example"/],
      [{ url: "http://dns.example/dns-query" }, /url must be an https: URL/],
      [{ url: "ftp://127.0.0.1/" }, /url must be an https: URL/],
      [{ url: "https://me:secret@dns.example/" }, /no user name or password.*for dns\.example$/],
      [{ url: "https://dns.example/", method: "PUT" as "POST" }, /method must be "GET" or "POST", got "PUT"/],
      [{ url: "https://dns.example/", headers: { "no good": "x" } }, /./],
    ];
    for (const [options, message] of bad) {
      assert.throws(
        () => dohResolver(options),
        (error) => error instanceof TypeError && message.test(error.message),
      );
    }
    for (
      const url of ["http://localhost:1/", "http://127.9.9.9/", "http://[::1]:8053/", new URL("https://x/")]
    ) {
      assert.ok(dohResolver({ url }));
    }
  });

  it("is what a cache needs", async () => {
    await withServer(async (server, resolver) => {
      const dns = createDnsCache({ resolver, timeoutMs: 2_000 });
      assert.deepEqual(
        (await dns.resolve("www.demo.test")).map(({ address }) => address),
        ["127.0.0.1", "127.0.0.2", "2001:db8::1"],
      );
      await assert.rejects(dns.resolve("nobody.demo.test"), { code: "NAME_NOT_FOUND" });
      server.setHttpFault({ mode: "status", status: 502 });
      await assert.rejects(dns.resolve("v4.demo.test"), /HTTP 502/);
      await dns.close();
    });
  });
});

describe("whatever the bytes", () => {
  const whole = Uint8Array.from(encode({
    type: "response",
    questions: [QUESTION],
    answers: [A, { type: "CNAME", name: "api.demo.test", ttl: 9, data: "b.test" }],
    authorities: [{
      type: "SOA",
      name: "demo.test",
      ttl: 9,
      data: { mname: "ns.demo.test", rname: "h.demo.test", minimum: 3 },
    }],
  }));
  const VERDICTS = ["addresses", "nonexistent", "empty", "failed"];

  async function holds(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const answer = await ask(saying(() => message(bytes)), "api.demo.test");
    assert.ok(VERDICTS.includes(answer.verdict));
    if (answer.verdict === "addresses") assert.ok(answer.addresses.length > 0);
    if ("ttlMs" in answer) assert.ok(answer.ttlMs! >= 0 && Number.isFinite(answer.ttlMs));
  }

  it("random ones are answered", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), (bytes) => holds(Uint8Array.from(bytes))),
      { numRuns: 300 },
    );
  });

  it("a reply with bytes changed, and its end cut off, is answered", async () => {
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 6 }), fc.nat(whole.length), async (changes, length) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, byte] of changes) bytes[at] = byte;
        await holds(bytes.slice(0, length));
      }),
      { numRuns: 500 },
    );
  });

  it("more records than an answer has reason to hold are not read", async () => {
    const flood = (count: number) =>
      replying({
        answers: Array.from({ length: count }, (_, i) => ({ ...A, data: `10.0.${i >> 8}.${i & 255}` })),
      });
    assert.equal((await ask(flood(999), "api.demo.test")).verdict, "addresses");
    assert.match(reasonOf(await ask(flood(1_000), "api.demo.test")), /no DNS message/);
  });
});

/** Waits until something at the other end of a socket has come to pass. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds(); turn++) {
    assert.ok(turn < 400, "did not come to pass in 2 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
