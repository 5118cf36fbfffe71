/**
 * The cache in the real workerd, with and without `nodejs_compat`, against a DNS over HTTPS service that fails in every way. Every
 * call is a request of its own, so whatever one request began, others come upon.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { DnsFault } from "../../examples/service/dns_fault.ts";
import { type DohServer, type HttpFault, startDohServer } from "../support/doh_server.ts";
import { bundle, startWorker, type Worker } from "./workers.ts";

const MANY = Array.from({ length: 120 }, (_, index) => `127.0.1.${index + 1}`);
const ZONE = {
  "api.demo.test": { a: ["127.0.0.1", "127.0.0.2"], aaaa: ["::1"] },
  "warm.demo.test": { a: ["127.0.0.3"] },
  "www.demo.test": { cname: "front.demo.test" },
  "front.demo.test": { cname: "api.demo.test" },
  "many.demo.test": { a: MANY },
};
const MOVED = { ...ZONE, "api.demo.test": { a: ["127.0.0.9"], aaaa: ["::9"] } };
/** Fresh for so short a time that a test can wait for the end of it. */
const BRIEF = { refreshMs: 400, minTtlMs: 400, maxTtlMs: 400 };
const API = ["127.0.0.1", "127.0.0.2"];

type Answer = { readonly value?: unknown; readonly error?: string; readonly text?: string };

let script: string;
before(async () => {
  script = await bundle("tests/edge/probe.ts");
}, { timeout: 120_000 });

const FLAVOURS = [
  { title: "workerd with nodejs_compat", flags: ["nodejs_compat"], kept: true, query: "" },
  { title: "workerd alone, given waitUntil", flags: [], kept: true, query: "&keep" },
  // What it begins has only the time that it takes itself.
  { title: "workerd alone", flags: [], kept: false, query: "&linger=300" },
] as const;

for (const { title, flags, kept, query } of FLAVOURS) {
  describe(title, () => {
    let worker: Worker;
    let doh: DohServer;
    let caches = 0;

    before(async () => {
      doh = await startDohServer(ZONE, "demo.test");
      worker = await startWorker(script, { flags });
    }, { timeout: 60_000 });
    after(async () => {
      await worker[Symbol.asyncDispose]();
      await doh.close();
    });

    /** A cache of its own, asked by one request per call; the service is well again, and its zone as it was. */
    function cache(options: Record<string, unknown> = {}) {
      const id = `c${++caches}`;
      doh.setFault({ mode: "ok" });
      doh.setHttpFault({ mode: "ok" });
      doh.setZone(ZONE);
      const given = encodeURIComponent(JSON.stringify({ url: `${doh.url}?cache=${id}`, ...options }));
      return {
        get queries() {
          // Caches of earlier tests may still be asking.
          return doh.requests.filter(({ target }) => target.includes(`cache=${id}&`)).length;
        },
        async call(what: string, name = "", signal?: AbortSignal): Promise<Answer> {
          const echo = encodeURIComponent(`${doh.url}?echo`);
          const url = new URL(
            `/${id}/${what}?name=${name}&options=${given}&echo=${echo}${query}`,
            worker.url,
          );
          const response = await fetch(url, { signal: signal ?? AbortSignal.timeout(10_000) });
          return await response.json();
        },
        resolve(name: string) {
          return this.call("resolve", name).then(texts);
        },
      };
    }

    it("the port says what it is and can", async () => {
      const { value } = await cache().call("platform");
      const { name, capabilities, followed } = value as {
        name: string;
        capabilities: { name: string; supported: boolean }[];
        followed?: string;
      };
      const can = (what: string) => capabilities.find(({ name }) => name === what)?.supported;
      assert.equal(name, "workerd");
      assert.deepEqual([can("dns"), can("background timers"), can("process")], [true, false, false]);
      assert.equal(can("context propagation"), flags.length > 0);
      assert.equal(followed, flags.length > 0 ? "ballast" : undefined);
    });

    it("what one request has learnt is a hit for all others", async () => {
      const dns = cache();
      assert.deepEqual(await dns.call("peek", "api.demo.test").then(({ value }) => value), null);
      assert.deepEqual(await dns.resolve("api.demo.test"), API);
      assert.equal(dns.queries, 1);
      const again = await Promise.all(Array.from({ length: 20 }, () => dns.resolve("api.demo.test")));
      assert.deepEqual(again, Array(20).fill(API));
      assert.deepEqual(await dns.resolve("API.demo.test."), API);
      assert.equal(dns.queries, 1);
      await eventually("both families are there", async () => {
        const both = await dns.call("resolve", "api.demo.test&family=0").then(texts);
        return JSON.stringify(both) === JSON.stringify([...API, "::1"]);
      });
      assert.equal(dns.queries, 2);
    });

    it("concurrent requests for a new name share its query", async () => {
      const dns = cache();
      doh.setFault({ mode: "delay", delayMs: 300 });
      const answers = await Promise.all([
        ...Array.from({ length: 20 }, () => dns.resolve("api.demo.test")),
        dns.call("many", "api.demo.test").then(({ value }) => texts({ value: (value as unknown[])[9] })),
      ]);
      assert.deepEqual(answers, Array(21).fill(API));
      assert.equal(dns.queries, 1);
    });

    it("concurrent requests for a name that fails each hear of it", async () => {
      const dns = cache();
      doh.setFault({ mode: "servfail" });
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => dns.call("resolve", "api.demo.test")),
      );
      assert.deepEqual(answers.map(({ error }) => error), Array(10).fill("RESOLVE_FAILED"));
      assert.equal(dns.queries, 1);
    });

    it("aliases and 120 records", async () => {
      const dns = cache();
      assert.deepEqual(await dns.resolve("www.demo.test"), API);
      assert.deepEqual(await dns.resolve("many.demo.test"), MANY);
    });

    it("a name that does not exist is remembered", async () => {
      const dns = cache({ negativeMs: 60_000 });
      for (let turn = 0; turn < 5; turn++) {
        assert.equal((await dns.call("resolve", "nobody.demo.test")).error, "NAME_NOT_FOUND");
      }
      // One NXDOMAIN settles both records.
      assert.equal((await dns.call("resolve", "nobody.demo.test&family=6")).error, "NAME_NOT_FOUND");
      assert.equal(dns.queries, 1);
    });

    it("a failure is remembered, and then no more", async () => {
      const dns = cache({ failureMs: 1_500 });
      doh.setFault({ mode: "refused" });
      assert.equal((await dns.call("resolve", "api.demo.test")).error, "RESOLVE_FAILED");
      const { queries } = dns;
      assert.equal((await dns.call("resolve", "api.demo.test")).error, "RESOLVE_FAILED");
      assert.equal(dns.queries, queries);
      doh.setFault({ mode: "ok" });
      await eventually("it is asked again", async () => (await dns.call("resolve", "api.demo.test")).value);
    });

    if (kept) {
      it("a hit that is due is answered at once, and its refresh outlives the response", async () => {
        const dns = cache(BRIEF);
        await dns.resolve("api.demo.test");
        doh.setZone(MOVED);
        doh.setFault({ mode: "delay", delayMs: 700 });
        await pause(500);
        const asked = dns.queries;
        const startedAt = performance.now();
        assert.deepEqual(await dns.resolve("api.demo.test"), API.map((address) => `${address}?`));
        const tookMs = performance.now() - startedAt;
        assert.ok(tookMs < 700, `${tookMs} ms, the service takes 700`);
        await eventually("the refresh has landed", async () => {
          const { value } = await dns.call("snapshot");
          const { names } = value as { names: { records: { addresses: string[] }[] }[] };
          return names[0]!.records[0]!.addresses[0] === "127.0.0.9";
        });
        assert.ok(dns.queries > asked);
      });

      it("a lookup that its request does not wait for is there for the next", async () => {
        const dns = cache();
        doh.setFault({ mode: "delay", delayMs: 300 });
        await dns.call("leave", "api.demo.test");
        assert.deepEqual(await dns.resolve("api.demo.test"), API);
        assert.equal(dns.queries, 1);
      });
    } else {
      it("a lookup that is lost with its request is made anew by another, in time", async () => {
        const dns = cache({ timeoutMs: 400 });
        doh.setFault({ mode: "delay", delayMs: 300 });
        await dns.call("leave", "api.demo.test&linger=0");
        assert.deepEqual(await dns.resolve("api.demo.test"), API);
        assert.equal(dns.queries, 2);
      });
    }

    it("stale answers are served while the service is dead, and new ones once it is back", async () => {
      const dns = cache({ ...BRIEF, failureMs: 200, timeoutMs: 300 });
      await dns.resolve("api.demo.test");
      for (const fault of [{ mode: "reset" }, { mode: "hang" }] satisfies HttpFault[]) {
        doh.setHttpFault(fault);
        await pause(500);
        for (let turn = 0; turn < 5; turn++) {
          assert.deepEqual(await dns.resolve("api.demo.test"), API.map((address) => `${address}?`));
          await pause(100);
        }
      }
      doh.setZone(MOVED);
      doh.setHttpFault({ mode: "ok" });
      await eventually("the new addresses are served, fresh", async () => {
        const found = await dns.resolve("api.demo.test");
        return JSON.stringify(found) === JSON.stringify(["127.0.0.9"]);
      });
    });

    it("a request that is cut off takes no other with it", async () => {
      const dns = cache({ timeoutMs: 400 });
      doh.setHttpFault({ mode: "hang" });
      const cut = new AbortController();
      const first = dns.call("resolve", "api.demo.test", cut.signal).catch(() => "cut");
      await eventually("it has asked", () => dns.queries > 0);
      const others = Array.from({ length: 5 }, () => dns.resolve("api.demo.test"));
      doh.setHttpFault({ mode: "ok" });
      cut.abort();
      assert.equal(await first, "cut");
      assert.deepEqual(await Promise.all(others), Array(5).fill(API));
      await eventually("no lookup is left behind", async () => {
        const { value } = await dns.call("snapshot");
        return (value as { lookups: number }).lookups === 0;
      });
    });

    it("a cache can be closed by another request than those that wait", async () => {
      const dns = cache();
      doh.setFault({ mode: "delay", delayMs: 500 });
      const waiting = dns.call("resolve", "api.demo.test");
      await eventually("it has asked", () => dns.queries > 0);
      await dns.call("close");
      assert.equal((await waiting).error, "CLOSED");
    });

    const faults: readonly { readonly title: string; readonly dns?: DnsFault; readonly http?: HttpFault }[] =
      [
        { title: "drops every query", dns: { mode: "drop" } },
        { title: "is late", dns: { mode: "delay", delayMs: 2_000 } },
        { title: "says SERVFAIL", dns: { mode: "servfail" } },
        { title: "says REFUSED", dns: { mode: "refused" } },
        { title: "sends garbage", dns: { mode: "garbage" } },
        { title: "truncates", http: { mode: "truncate" } },
        { title: "answers another question", http: { mode: "body", bytes: replyTo("other.demo.test") } },
        { title: "sends a body without end", http: { mode: "flood" } },
        { title: "stalls", http: { mode: "stall" } },
        { title: "says 503", http: { mode: "status", status: 503 } },
        { title: "redirects", http: { mode: "redirect", location: "http://127.0.0.1:1/" } },
        { title: "sends HTML", http: { mode: "type", contentType: "text/html" } },
      ];
    for (const fault of faults) {
      it(`names held are served while the service ${fault.title}, and an unknown one fails`, async () => {
        const dns = cache({ ...BRIEF, failureMs: 200, timeoutMs: 200 });
        await dns.resolve("api.demo.test");
        if (fault.dns) doh.setFault(fault.dns);
        if (fault.http) doh.setHttpFault(fault.http);
        await pause(500);
        const unknown = dns.call("resolve", "warm.demo.test");
        for (let turn = 0; turn < 3; turn++) {
          assert.deepEqual(await dns.resolve("api.demo.test"), API.map((address) => `${address}?`));
          await pause(100);
        }
        assert.equal((await unknown).error, "RESOLVE_FAILED");
      });
    }

    it("a wrong id means nothing over HTTPS", async () => {
      const dns = cache();
      doh.setFault({ mode: "wrong-id" });
      assert.deepEqual(await dns.resolve("api.demo.test"), API);
    });

    for (const mode of ["nxdomain", "empty"] as const) {
      it(`a name that flaps (${mode}) is served on: no single denial of what is held is believed`, async () => {
        const dns = cache({ ...BRIEF, failureMs: 200 });
        await dns.resolve("api.demo.test");
        doh.setFault({ mode }, { flapping: true });
        const { queries } = dns;
        for (let turn = 0; turn < 8; turn++) {
          await pause(200);
          const { value, error } = await dns.call("resolve", "api.demo.test");
          assert.ok(value !== undefined, error);
        }
        assert.ok(dns.queries >= queries + 4, `${dns.queries - queries} queries`);
      });
    }

    it("a denial that is confirmed is believed", async () => {
      const dns = cache(BRIEF);
      await dns.resolve("api.demo.test");
      doh.setFault({ mode: "nxdomain" });
      await eventually(
        "it is gone",
        async () => (await dns.call("resolve", "api.demo.test")).error === "NAME_NOT_FOUND",
      );
    });
  });
}

describe("the default resolver, in workerd", () => {
  it("is Cloudflare's DNS over HTTPS; names preresolved at start-up are asked with the first request", async () => {
    await using doh = await startDohServer(ZONE, "demo.test");
    const hosts: string[] = [];
    await using worker = await startWorker(script, {
      flags: ["nodejs_compat"],
      outbound: async (request) => {
        const { host, pathname, search } = new URL(request.url);
        hosts.push(`${host}${pathname}`);
        const response = await fetch(new URL(search, doh.url));
        return { body: new Uint8Array(await response.arrayBuffer()), contentType: "application/dns-message" };
      },
    });
    const call = async (path: string) => await (await fetch(new URL(path, worker.url))).json();
    assert.deepEqual(texts(await call("/default/resolve?name=api.demo.test")), API);
    await eventually("the name is warm", async () => texts(await call("/default/peek?name=warm.demo.test")));
    assert.deepEqual([...new Set(hosts)], ["cloudflare-dns.com/dns-query"]);
    const { value } = await call("/default/ready") as {
      value: { dns: { resolved: string[]; failed: unknown[] } };
    };
    assert.deepEqual(value.dns.resolved, ["warm.demo.test"]);
    assert.equal(value.dns.failed.length, 1);
  });
});

describe("the example of a Worker", () => {
  const TOKEN = "open-sesame";
  let worker: Worker;
  let doh: DohServer;

  before(async () => {
    doh = await startDohServer(ZONE, "demo.test");
    worker = await startWorker(await bundle("examples/edge/worker.ts"), {
      flags: ["nodejs_compat"],
      bindings: { DOH_URL: doh.url, META_TOKEN: TOKEN },
    });
  }, { timeout: 120_000 });
  after(async () => {
    await worker[Symbol.asyncDispose]();
    await doh.close();
  });

  const get = (path: string, accept = "application/json") =>
    fetch(new URL(path, worker.url), { headers: { accept, authorization: `Bearer ${TOKEN}` } });

  it("resolves, at once from the second time on", async () => {
    for (let turn = 0; turn < 3; turn++) {
      assert.deepEqual(texts({ value: await (await get("/resolve/many.demo.test")).json() }), MANY);
    }
    assert.equal(doh.requests.length, 2);
    const missing = await get("/resolve/nobody.demo.test");
    assert.equal(missing.status, 404);
    assert.match((await missing.json()).error, /nobody\.demo\.test does not exist/);
  });

  it("serves the meta app: pages for people, JSON for programs, and nothing without the token", async () => {
    await (await get("/resolve/api.demo.test")).body?.cancel();
    const overview = await (await get("/ops")).json();
    assert.equal(overview.name, "edge");
    const { report } = await (await get("/ops/dns")).json();
    const rows = report.tables.find(({ id }: { id: string }) => id === "names").rows as unknown[][];
    assert.ok(
      rows.some(([name]) => (name as { key: string }).key === "api.demo.test"),
      JSON.stringify(rows),
    );
    for (const path of ["/ops", "/ops/dns", "/ops/metrics"]) {
      const page = await get(path, "text/html");
      assert.equal(page.status, 200, path);
      const html = await page.text();
      assert.match(html, /^<!DOCTYPE html>/i, path);
      if (path === "/ops/dns") assert.match(html, /api\.demo\.test/);
      if (path === "/ops") assert.match(html, /background timers/);
    }
    const stranger = await fetch(new URL("/ops/dns", worker.url), {
      headers: { accept: "application/json" },
    });
    assert.equal(stranger.status, 401);
    await stranger.body?.cancel();
  });
});

function texts(answer: Answer): unknown {
  if (!Array.isArray(answer.value)) return answer.error ?? answer.value;
  return answer.value.map(({ address, stale }) => stale ? `${address}?` : address);
}

/** Real time: that of workerd cannot be simulated. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function eventually(what: string, holds: () => unknown): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    if (await holds()) return;
    await pause(50);
  }
  assert.fail(`not within 5 s: ${what}`);
}

/** The reply to a question for an address that nobody asked. */
function replyTo(name: string): Uint8Array {
  const labels = name.split(".").flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  const question = [...labels, 0, 0, 1, 0, 1];
  const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 127, 0, 0, 66];
  return Uint8Array.from([0, 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, ...question, ...answer]);
}
