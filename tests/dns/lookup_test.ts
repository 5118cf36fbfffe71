import assert from "node:assert/strict";
import { createServer, get } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { Agent, request } from "undici";

import {
  createDnsCache,
  type DnsCache,
  type Lookup,
  type LookupError,
  type LookupOptions,
} from "@ballast/runtime/dns";
import { addresses, AMBIGUOUS, FAILED, NONEXISTENT, onlyV4 } from "../support/scripted_resolver.ts";
import { setup } from "./setup.ts";

type Answer = { error: LookupError | null; address?: unknown; family?: number };

function call(lookup: Lookup, hostname: string, options?: LookupOptions | 0 | 4 | 6): Promise<Answer> {
  return new Promise((resolve) =>
    lookup(hostname, options, (error, address, family) => resolve({ error, address, family }))
  );
}

const both = ({ type }: { type: string }) => addresses(type === "A" ? "10.0.0.1" : "fd00::1");

test("lookup answers as dns.lookup does, in every form of the call", async () => {
  const { dns } = setup(both);
  const { lookup } = dns; // detached from its cache
  const one = { error: null, address: "10.0.0.1", family: 4 };
  assert.deepEqual(
    await new Promise((resolve) => lookup("api.example", (_, address) => resolve(address))),
    "10.0.0.1",
  );
  assert.deepEqual(await call(lookup, "api.example"), one);
  assert.deepEqual(await call(lookup, "api.example", {}), one);
  assert.deepEqual(await call(lookup, "api.example", 4), one);
  assert.deepEqual(await call(lookup, "api.example", { family: "IPv6" }), {
    error: null,
    address: "fd00::1",
    family: 6,
  });
  assert.deepEqual(await call(lookup, "api.example", { order: "ipv6first" }), {
    error: null,
    address: "fd00::1",
    family: 6,
  });
  assert.deepEqual((await call(lookup, "api.example", { all: true })).address, [
    { address: "10.0.0.1", family: 4 },
    { address: "fd00::1", family: 6 },
  ]);
  assert.deepEqual((await call(lookup, "api.example", { all: true, order: "ipv6first" })).address, [
    { address: "fd00::1", family: 6 },
    { address: "10.0.0.1", family: 4 },
  ]);
  assert.deepEqual(await call(lookup, "::1"), { error: null, address: "::1", family: 6 });
  await dns.close();
});

test("the callback is never called within the call, held or not", async () => {
  const { dns } = setup(onlyV4("10.0.0.1"));
  for (let round = 0; round < 2; round++) {
    let within = true;
    await new Promise<void>((resolve) => {
      dns.lookup("api.example", () => {
        assert.equal(within, false);
        resolve();
      });
      within = false;
    });
  }
  await dns.close();
});

test("of several addresses each is given about as often, and of the first family only", async () => {
  const { dns } = setup(({ type }) =>
    type === "A" ? addresses("10.0.0.1", "10.0.0.2", "10.0.0.3") : addresses("fd00::1")
  );
  const times = new Map<unknown, number>();
  for (let index = 0; index < 3_000; index++) {
    const { address } = await call(dns.lookup, "api.example");
    times.set(address, (times.get(address) ?? 0) + 1);
  }
  assert.deepEqual([...times.keys()].sort(), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  for (const [address, count] of times) assert.ok(count > 850 && count < 1_150, `${address} ${count} times`);
  await dns.close();
});

test("failures have the codes that clients of dns.lookup know", async () => {
  const codes: readonly [Parameters<typeof setup>[0], string][] = [
    [() => NONEXISTENT, "ENOTFOUND"],
    [() => AMBIGUOUS, "ENOTFOUND"],
    [() => FAILED, "EAI_AGAIN"],
    [() => "silence", "ETIMEOUT"],
  ];
  for (const [script, code] of codes) {
    const { clock, dns } = setup(script);
    const answer = call(dns.lookup, "api.example");
    await clock.advance(1_000);
    const { error } = await answer;
    assert.equal(error?.code, code);
    assert.equal(error?.syscall, "getaddrinfo");
    assert.equal(error?.hostname, "api.example");
    assert.equal(error?.message, `getaddrinfo ${code} api.example`);
    assert.ok(error?.cause);
    await dns.close();
    assert.equal((await call(dns.lookup, "api.example")).error?.code, "ECANCELLED");
  }
  const { dns } = setup(() => FAILED);
  assert.equal((await call(dns.lookup, "no name")).error?.code, "ENOTFOUND");
  await dns.close();
});

test("a call that makes no sense is refused at once", () => {
  const { dns } = setup(() => FAILED);
  assert.throws(() => dns.lookup("api.example", undefined as never), /needs a callback/);
  assert.throws(
    () => dns.lookup("api.example", { family: 5 as never }, () => {}),
    /family must be 0, 4 or 6, got 5/,
  );
  assert.throws(
    () => dns.lookup("api.example", "4" as never, () => {}),
    /options must be an object or a family/,
  );
  void dns.close();
});

/** A real server on loopback, and a cache that sends every name of `.example` there. */
async function serve(use: (port: number, dns: DnsCache) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => response.end(`hello ${request.headers.host}`));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const dns = createDnsCache({ hosts: { "api.example": ["127.0.0.1"] } });
  try {
    await use((server.address() as AddressInfo).port, dns);
  } finally {
    await dns.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test("node:http connects through it", () =>
  serve(async (port, { lookup }) => {
    const body = await new Promise<string>((resolve, reject) => {
      get({ hostname: "api.example", port, lookup, agent: false }, (response) => {
        response.setEncoding("utf8");
        let text = "";
        response.on("data", (chunk) => text += chunk).on("end", () => resolve(text));
      }).on("error", reject);
    });
    assert.equal(body, `hello api.example:${port}`);
  }));

test("node:net connects through it", () =>
  serve(async (port, { lookup }) => {
    const address = await new Promise((resolve, reject) => {
      const socket = connect({ host: "api.example", port, lookup }, () => {
        resolve(socket.remoteAddress);
        socket.destroy();
      });
      socket.on("error", reject);
    });
    assert.equal(address, "127.0.0.1");
  }));

test("undici connects through it", () =>
  serve(async (port, { lookup }) => {
    const dispatcher = new Agent({ connect: { lookup } });
    const { statusCode, body } = await request(`http://api.example:${port}/`, { dispatcher });
    assert.equal(statusCode, 200);
    assert.equal(await body.text(), `hello api.example:${port}`);
    await dispatcher.close();
  }));
