import assert from "node:assert/strict";
import { test } from "node:test";

import { createMetaApp, type MetaRuntime } from "@ballast/runtime/meta";
import { simulatedClock } from "@ballast/runtime/testing";
import { Hono } from "hono";
import { BROWSER, fakeRuntime, parse, UNTOUCHABLE } from "./support.ts";

const TOKEN = "0f3c9a4e-right";
const HOST = "localhost:8889";
const ORIGIN = `http://${HOST}`;
const BEARER = { authorization: `Bearer ${TOKEN}` };

type Meta = ReturnType<typeof createMetaApp>;

function guarded(runtime: MetaRuntime = fakeRuntime([{ id: "dns", title: "DNS" }])): Meta {
  return createMetaApp(runtime, { token: TOKEN });
}

/** Sends the form of the login page. */
async function logIn(app: Meta | Hono, token: string, next = "/", path = "/login"): Promise<Response> {
  return await app.request(`${ORIGIN}${path}`, {
    method: "POST",
    headers: { origin: ORIGIN, host: HOST, accept: BROWSER },
    body: new URLSearchParams({ token, next }),
  });
}

function cookieOf(response: Response): string {
  return response.headers.get("set-cookie")!.split(";")[0]!;
}

test("with a token, every path but the probes' needs it", async () => {
  const app = guarded();
  for (const path of ["/", "/dns", "/metrics", "/events", "/nowhere", "/login"]) {
    const refused = await app.request(path);
    assert.equal(refused.status, 401, path);
    assert.equal(refused.headers.get("www-authenticate"), 'Bearer realm="ballast"');
  }
  for (const path of ["/livez", "/readyz"]) assert.equal((await app.request(path)).status, 200, path);
  for (const path of ["/", "/dns", "/metrics"]) {
    assert.equal((await app.request(path, { headers: BEARER })).status, 200, path);
  }
});

test("a stranger sees a form and nothing of the runtime", async () => {
  const runtime = fakeRuntime([], { reports: UNTOUCHABLE });
  const page = await (await guarded(runtime).request("/dns?sort=names.1", { headers: { accept: BROWSER } }))
    .text();
  assert.doesNotMatch(page, /payments|12345|host-1|1\.2\.3/);
  const inputs = parse(page).filter(({ tag }) => tag === "input").map(({ attributes }) => attributes);
  assert.deepEqual(inputs.map(({ name, type, value }) => [name, type, value]), [
    ["token", "password", undefined],
    ["next", "hidden", "/dns?sort=names.1"],
  ]);
  assert.doesNotMatch(page, /<script/);
});

test("no token, a wrong one and nonsense are answered alike", async () => {
  const answers = new Set<string>();
  for (
    const authorization of [
      undefined,
      "Bearer wrong",
      `Bearer ${TOKEN}x`,
      "Bearer",
      `Basic ${TOKEN}`,
      "",
      TOKEN,
    ]
  ) {
    const headers: HeadersInit = authorization === undefined ? {} : { authorization };
    const response = await guarded().request("/dns", { headers });
    answers.add(`${response.status} ${response.headers.get("www-authenticate")} ${await response.text()}`);
  }
  assert.equal(answers.size, 1);
  assert.match([...answers][0]!, /^401 .*Authorization: Bearer <token>/s);
});

test("wrong tokens are counted, shown, and recorded at each doubling", async () => {
  const records: unknown[] = [];
  const clock = simulatedClock();
  const runtime = fakeRuntime([], {
    platform: { ...fakeRuntime().platform, clock },
    log: { info() {}, warn: (message, fields) => records.push([message, fields.failures]) },
  });
  const app = guarded(runtime);
  for (let index = 0; index < 4; index++) {
    await app.request("/", { headers: { authorization: "Bearer wrong" } });
  }
  await logIn(app, "wrong");
  await app.request("/");
  const { meta } = await (await app.request("/", { headers: BEARER })).json();
  assert.deepEqual([meta.token, meta.wrongTokens, meta.lastWrongTokenAt], [true, 5, clock.now()]);
  assert.deepEqual(records, [1, 2, 4].map((failures) => ["wrong token for the meta app", failures]));
});

test("the form gives a cookie that holds no token, and leads back to the page", async () => {
  const app = guarded();
  const response = await logIn(app, TOKEN, "/dns?sort=-names.2");
  assert.deepEqual([response.status, response.headers.get("location")], [303, "/dns?sort=-names.2"]);
  const cookie = response.headers.get("set-cookie")!;
  assert.match(cookie, /^ballast-meta-8889=[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
  assert.ok(!cookie.includes(TOKEN));
  const headers = { host: HOST, cookie: cookieOf(response) };
  assert.equal((await app.request("/dns", { headers })).status, 200);
  assert.equal((await app.request("/login", { headers })).status, 303);
});

test("over TLS the cookie is Secure", async () => {
  const response = await guarded().request("https://localhost/login", {
    method: "POST",
    headers: { origin: "https://localhost" },
    body: new URLSearchParams({ token: TOKEN }),
  });
  assert.match(response.headers.get("set-cookie")!, /; Secure/);
});

test("a wrong token in the form is a 401 and the form again, without a cookie", async () => {
  for (const token of ["wrong", "", `${TOKEN} `]) {
    const response = await logIn(guarded(), token, "/dns");
    assert.deepEqual([response.status, response.headers.get("set-cookie")], [401, null]);
    const page = parse(await response.text());
    assert.ok(page.find(({ attributes }) => attributes.role === "alert"));
    assert.equal(page.find(({ attributes }) => attributes.name === "next")!.attributes.value, "/dns");
  }
});

test("the form never leads out of the meta app", async () => {
  for (
    const next of ["https://evil.example/", "//evil.example", "/\\evil.example", "dns", "javascript:alert(1)"]
  ) {
    assert.equal((await logIn(guarded(), TOKEN, next)).headers.get("location"), "/", next);
  }
});

test("a cookie ends after twelve hours, with another token, or when it is changed", async () => {
  const clock = simulatedClock();
  const runtime = fakeRuntime([], { platform: { ...fakeRuntime().platform, clock } });
  const app = guarded(runtime);
  const cookie = cookieOf(await logIn(app, TOKEN));
  const status = async (cookie: string, app: Meta) =>
    (await app.request("/", { headers: { host: HOST, cookie } })).status;
  assert.equal(await status(cookie, app), 200);
  assert.equal(await status(cookie, guarded(runtime)), 200, "it holds after a restart");
  assert.equal(await status(cookie, createMetaApp(runtime, { token: "another" })), 401);
  assert.equal(await status(cookie.replace(/=(\d)/, "=9$1"), app), 401, "a later end");
  assert.equal(await status(cookie.replace("8889", "9999"), app), 401, "of another port");
  assert.equal(await status("ballast-meta-8889=99999999999999", app), 401, "without a signature");
  await clock.advance(12 * 3_600_000);
  assert.equal(await status(cookie, app), 401);
});

test("logging in and out needs the origin of the meta app", async () => {
  const app = guarded();
  for (
    const origin of [undefined, "null", "http://evil.example", "http://localhost:9999", "localhost:8889"]
  ) {
    for (const path of ["/login", "/logout"]) {
      const response = await app.request(`${ORIGIN}${path}`, {
        method: "POST",
        headers: { host: HOST, ...(origin !== undefined && { origin }) },
        body: new URLSearchParams({ token: TOKEN }),
      });
      assert.deepEqual(
        [response.status, response.headers.get("set-cookie")],
        [403, null],
        `${path} ${origin}`,
      );
    }
  }
  const cookie = cookieOf(await logIn(app, TOKEN));
  const out = await app.request(`${ORIGIN}/logout`, {
    method: "POST",
    headers: { host: HOST, origin: ORIGIN, cookie },
  });
  assert.equal(out.status, 303);
  assert.match(out.headers.get("set-cookie")!, /^ballast-meta-8889=; Max-Age=0; Path=\//);
});

test("mounted below a path, cookie and form stay there", async () => {
  const app = new Hono().route("/ops/meta", guarded());
  const page = await (await app.request("/ops/meta/dns", { headers: { accept: BROWSER } })).text();
  assert.equal(parse(page).find(({ tag }) => tag === "form")!.attributes.action, "/ops/meta/login");
  assert.match(page, /name="next" type="hidden" value="\/dns"/);
  const response = await logIn(app, TOKEN, "/dns", "/ops/meta/login");
  assert.equal(response.headers.get("location"), "/ops/meta/dns");
  assert.match(response.headers.get("set-cookie")!, /; Path=\/ops\/meta;/);
});

test("without a token there is no login", async () => {
  const app = createMetaApp(fakeRuntime());
  assert.equal((await logIn(app, "")).status, 405);
  assert.equal((await app.request("/login")).status, 404);
});

test("a token that cannot be sent is refused when the app is made, without being told", () => {
  for (const token of ["", "with space", "ümlaut", "line\nbreak", 7, null]) {
    assert.throws(() => createMetaApp(fakeRuntime(), { token: token as string }), (error: Error) => {
      assert.ok(error instanceof TypeError);
      assert.match(error.message, /^token must be a text of visible ASCII characters/);
      return !error.message.includes("with space") && !error.message.includes("ümlaut");
    });
  }
});

test("a form larger than any is refused unread", async () => {
  const response = await guarded().request(`${ORIGIN}/login`, {
    method: "POST",
    headers: { host: HOST, origin: ORIGIN },
    body: new URLSearchParams({ token: "x".repeat(100_000) }),
  });
  assert.equal(response.status, 413);
});
