import assert from "node:assert/strict";
import { test } from "node:test";

import { createMetaApp } from "@ballast/runtime/meta";
import { BROWSER, fakeRuntime, UNTOUCHABLE } from "./support.ts";

async function statusFor(host: string, hosts?: readonly string[]): Promise<number> {
  const response = await createMetaApp(fakeRuntime(), { hosts }).request("/", { headers: { host } });
  return response.status;
}

test("loopback names and IP literals are answered, with any port", async () => {
  for (
    const host of [
      "localhost",
      "localhost:8889",
      "LOCALHOST:1",
      "localhost.",
      "meta.localhost",
      "127.0.0.1:8889",
      "10.1.2.3",
      "[::1]",
      "[2001:db8::1]:8889",
      "[::ffff:10.0.0.1]",
    ]
  ) assert.equal(await statusFor(host), 200, host);
});

test("every other host is refused with 421", async () => {
  for (
    const host of [
      "evil.example",
      "localhost.evil.example",
      "evil-localhost",
      "notlocalhost",
      "127.0.0.1.evil.example",
      "10.1.2.3.4",
      "localhost@evil.example",
      "evil.example#localhost",
      "evil.example/localhost",
      "user@localhost",
      "localhost:80:80",
      "[::1].evil.example",
      "[evil]",
    ]
  ) assert.equal(await statusFor(host), 421, host);
});

test("a host that was allowed by name is answered, in any case and with any port", async () => {
  const hosts = ["Ops.example.com"];
  assert.equal(await statusFor("ops.example.com", hosts), 200);
  assert.equal(await statusFor("OPS.EXAMPLE.COM:8889", hosts), 200);
  assert.equal(await statusFor("ops.example.com.", hosts), 200);
  assert.equal(await statusFor("localhost", hosts), 200);
  assert.equal(await statusFor("x.ops.example.com", hosts), 421);
});

test("without a Host header, as in HTTP/2, the host of the URL counts", async () => {
  const app = createMetaApp(fakeRuntime());
  assert.equal((await app.request("http://127.0.0.1:8889/")).status, 200);
  assert.equal((await app.request("http://evil.example/")).status, 421);
});

test("the refusal says how to allow the host, and nothing of the runtime", async () => {
  const app = createMetaApp(fakeRuntime([], { reports: UNTOUCHABLE }));
  const response = await app.request("/", { headers: { host: "<b>evil.example", accept: BROWSER } });
  const text = await response.text();
  assert.equal(response.status, 421);
  assert.match(response.headers.get("content-type")!, /^text\/plain/);
  assert.match(text, /createMetaApp\(runtime, \{ hosts: \[/);
  assert.doesNotMatch(text, /payments/);
});

test("hosts that are no host names are refused when the app is made", () => {
  for (const host of ["http://ops.example.com", "ops.example.com:8889", "a b", "", 7 as unknown as string]) {
    assert.throws(() => createMetaApp(fakeRuntime(), { hosts: [host] }), /hosts must hold host names/);
  }
});

test("no answer lets a browser run, load, frame, keep or misread anything of others", async () => {
  const app = createMetaApp(fakeRuntime([{ id: "dns", title: "DNS" }]));
  const requests: [string, RequestInit][] = [
    ["/", { headers: { accept: BROWSER } }],
    ["/dns", {}],
    ["/metrics", {}],
    ["/livez", {}],
    ["/nowhere", { headers: { accept: BROWSER } }],
    ["/", { method: "POST" }],
    ["/", { headers: { host: "evil.example" } }],
  ];
  for (const [path, init] of requests) {
    const { headers } = await app.request(path, init);
    const policy = headers.get("content-security-policy")!;
    assert.match(
      policy,
      /^default-src 'none'; style-src '(nonce-[\w+/=]{20,})'; script-src '\1'; connect-src 'self';/,
    );
    assert.match(policy, / img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'$/);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "same-origin");
    assert.equal(headers.get("x-frame-options"), "DENY");
    assert.equal(headers.get("cache-control"), "no-store", path);
    assert.equal(headers.get("strict-transport-security"), null);
  }
});

test("the nonce of style and script is the policy's, and another one for every answer", async () => {
  const app = createMetaApp(fakeRuntime());
  const nonces = await Promise.all([1, 2].map(async () => {
    const response = await app.request("/?format=html");
    const page = await response.text();
    const nonce = /<style nonce="([^"]+)">/.exec(page)![1]!;
    assert.equal(/<script type="module" nonce="([^"]+)">/.exec(page)![1], nonce);
    assert.ok(response.headers.get("content-security-policy")!.includes(`'nonce-${nonce}'`));
    return nonce;
  }));
  assert.notEqual(nonces[0], nonces[1]);
});

test("pages take nothing but GET and HEAD", async () => {
  const app = createMetaApp(fakeRuntime([{ id: "dns", title: "DNS" }]));
  for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    for (const path of ["/", "/dns", "/livez", "/nowhere"]) {
      const response = await app.request(path, { method });
      assert.equal(response.status, 405);
      assert.equal(response.headers.get("allow"), "GET, HEAD");
      assert.equal((await response.json()).title, "Method not allowed");
    }
  }
});

test("HEAD is answered as GET is, without the body", async () => {
  const app = createMetaApp(fakeRuntime([{ id: "dns", title: "DNS" }]));
  for (const [path, status] of [["/", 200], ["/dns", 200], ["/metrics", 200], ["/nowhere", 404]] as const) {
    const head = await app.request(path, { method: "HEAD" });
    const get = await app.request(path);
    assert.equal(head.status, status);
    assert.equal(head.headers.get("content-type"), get.headers.get("content-type"));
    assert.equal(await head.text(), "");
  }
});
