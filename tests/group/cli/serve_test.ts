import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";

import { Hono } from "hono";
import { appOf } from "../../../src/group/cli/load_app.ts";
import { nameOf } from "../../../src/group/cli/service_name.ts";
import { ballast, ballastCommand, type Running, start, until } from "./support.ts";

let folder = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "ballast-serve-"));
});
after(() => rm(folder, { recursive: true }));

/** A module in a folder of its own. */
async function module(text: string): Promise<string> {
  const path = join(await mkdtemp(join(folder, "app-")), "shop.mjs");
  await writeFile(path, text);
  return path;
}

/** A service that was started and is ready. */
interface Service {
  readonly running: Running;
  readonly url: string;
  readonly metaUrl: string;
}

/** Serves a module for as long as `body` takes, then ends it as an orchestrator does: it must end well. */
async function served(
  path: string,
  args: readonly string[],
  body: (service: Service) => Promise<void>,
): Promise<Running> {
  const ports = ["--host", "127.0.0.1", "--port", "0", "--meta-port", "0"];
  const running = start([...ballastCommand(), "serve", path, ...ports, ...args]);
  try {
    const place = /serves on (http:[^\s,;]+).*meta app is on (http:[^\s]+?)\. /;
    await until(() => place.test(running.stderr()), `the service to be ready:\n${running.stderr()}`);
    const [, url, metaUrl] = place.exec(running.stderr())!;
    await body({ running, url: url!, metaUrl: metaUrl! });
    process.kill(running.child.pid!, "SIGTERM");
    const { code, signal } = await running.ended;
    assert.deepEqual([code, signal], [0, null], running.stderr());
  } finally {
    running.child.kill("SIGKILL");
  }
  return running;
}

async function text(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  return `${response.status} ${await response.text()}`;
}

const info = {
  remoteAddress: "",
  listener: "app",
  secure: false,
  httpVersion: "1.1",
  clientCertificate: undefined,
};

test("a module answers by an object with fetch, by a Hono app, or by a function", async () => {
  const hono = new Hono();
  hono.get("/", (c) => c.text(`hono ${(c.env as { listener: string }).listener}`));
  const cases: [unknown, string][] = [
    [{ fetch: () => new Response("object") }, "object"],
    [hono, "hono app"],
    [() => new Response("function"), "function"],
    [async (request: Request) => await Promise.resolve(new Response(request.method)), "GET"],
  ];
  for (const [exported, wanted] of cases) {
    const { fetch } = appOf({ default: exported }, "app.ts");
    assert.equal(await (await fetch(new Request("http://localhost/"), info)).text(), wanted);
  }
});

test("a module that answers nothing is refused with what it should look like", () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{}, /^app\.ts answers no requests: it has no default export; write "export default \{ fetch \}"/],
    [{ default: 7 }, /its default export is a number/],
    [{ default: null }, /its default export is null/],
    [{ default: { fetch: "no" } }, /its default export is an object without fetch/],
    [{ default: class App {} }, /its default export is a class/],
    [
      { default: () => new Response(), onStart: 3 },
      /onStart must be a function of the runtime, got a number/,
    ],
  ];
  for (const [exports, message] of cases) assert.throws(() => appOf(exports, "app.ts"), { message });
});

test("a service is called as its module, or its folder where that says more", () => {
  assert.equal(nameOf("/srv/shop.ts"), "shop");
  assert.equal(nameOf("/srv/shop/main.ts"), "shop");
  assert.equal(nameOf("/srv/shop/src/index.mjs"), "shop");
  assert.equal(nameOf("C:\\srv\\shop\\app.ts"), "shop");
  assert.equal(nameOf("/main.ts"), "ballast");
});

test("a module is served, with its meta app, until SIGTERM", async () => {
  const path = await module(
    `export default { fetch: (r) => new Response("hello " + new URL(r.url).pathname) };`,
  );
  const { stdout, stderr } = await served(path, [], async ({ url, metaUrl }) => {
    assert.equal(await text(`${url}/world`), "200 hello /world");
    const overview = JSON.parse((await text(`${metaUrl}/?format=json`)).slice(4));
    assert.deepEqual([overview.name, overview.state], ["shop", "ready"]);
    const top = await ballast(["top", metaUrl, "--json"]);
    assert.equal(JSON.parse(top.stdout).overview.name, "shop");
  });
  assert.equal(stdout(), "", "messages go to stderr");
  assert.match(stderr(), /^shop serves on http:\/\/127\.0\.0\.1:\d+; its meta app is on /m);
});

test("an app's runtime knows the hosts file and the name servers, and logs are JSON where asked for", async () => {
  const hosts = join(folder, "hosts");
  await writeFile(hosts, "10.0.0.4 db.internal\n");
  const path = await module(`
    let address, servers;
    export async function onStart(runtime) {
      [{ address }] = await runtime.dns.resolve("db.internal");
      servers = runtime.dns.snapshot().servers.map(({ server }) => server);
    }
    export default () => Response.json({ address, servers });
  `);
  const args = [
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    "--meta-port",
    "off",
    "--name",
    "orders",
    "--json-logs",
  ];
  const more = ["--hosts-file", hosts, "--dns-server", "127.0.0.1:5399", "--log-level", "info"];
  const running = start([...ballastCommand(), "serve", path, ...args, ...more]);
  try {
    await until(() => running.stdout().includes('"listeners"'), `a log record:\n${running.stderr()}`);
    const records = running.stdout().trimEnd().split("\n").map((line) => JSON.parse(line));
    const url = records.find(({ fields }) => fields?.listeners)!.fields.listeners[0];
    const { address, servers } = JSON.parse((await text(url)).slice(4));
    assert.equal(address, "10.0.0.4");
    assert.match(JSON.stringify(servers), /127\.0\.0\.1:5399/);
    process.kill(running.child.pid!, "SIGINT");
    const { code, stderr } = await running.ended;
    assert.deepEqual([code, stderr], [0, ""]);
  } finally {
    running.child.kill("SIGKILL");
  }
});

test("what keeps a service from starting is one line, and the code is 1", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const port = String((taken.address() as AddressInfo).port);
  const good = await module(`export default () => new Response("hello");`);
  const broken = await module(`export default {{;`);
  const throws = await module(`throw new Error("no database"); export default {};`);
  const empty = await module(`export const x = 1;`);
  const hosts = join(folder, "bad.json");
  await writeFile(hosts, `{ "schema": 1,\n  "version": "1", "hosts": { "db": ["ten"] } }`);
  const free = ["--host", "127.0.0.1", "--port", "0", "--meta-port", "off", "--log-level", "error"];
  const cases: [string[], RegExp][] = [
    [[join(folder, "none.mjs"), ...free], /^ballast serve: there is no file \S+none\.mjs\n$/],
    [[empty, ...free], /ballast serve: \S+shop\.mjs answers no requests: it has no default export/],
    [[broken, ...free], /ballast serve: \S+shop\.mjs cannot be loaded: /],
    [
      [throws, ...free],
      /ballast serve: \S+shop\.mjs cannot be loaded: no database \(at file:\S+shop\.mjs:1:\d+\)\n$/,
    ],
    [
      [good, ...free, "--port", port],
      /ballast serve: .*(?:in use|taken).*Choose another with --port and --meta-port\n$/,
    ],
    [
      [good, ...free, "--hosts-file", hosts],
      /^ballast serve: --hosts-file \S+bad\.json:2:30: hosts\["db"\]: .*"ten"\n$/,
    ],
  ];
  try {
    const ends = await Promise.all(cases.map(([args]) => ballast(["serve", ...args])));
    for (const [index, { code, stderr }] of ends.entries()) {
      assert.match(stderr, cases[index]![1]);
      assert.equal(code, 1, stderr);
    }
  } finally {
    taken.close();
  }
  const wrong = await ballast(["serve", good, "--watch", "--workers", "1"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /^ballast serve: --watch replaces processes, which takes --workers 2 or more\n/);
  const environment = await ballast(["serve", good], { PORT: "eighty" });
  assert.match(
    environment.stderr,
    /^ballast serve: PORT must be a whole number from 0 to 65535, got "eighty"\n/,
  );
});

test("--watch replaces the processes when the module changes; a broken one replaces nothing", async () => {
  const app = (answer: string) => `export default () => new Response("${answer}");`;
  const path = await module(app("one"));
  await served(path, ["--watch"], async ({ running, url }) => {
    assert.equal(await text(url), "200 one");
    await writeFile(path, app("two"));
    await until(() => /2 processes replaced/.test(running.stderr()), "the processes to be replaced");
    for (let each = 0; each < 4; each++) assert.equal(await text(url), "200 two");
    await writeFile(path, `${app("three")} this is no JavaScript`);
    await until(
      () => running.stderr().includes("the module does not start as it is now"),
      "word of the broken module",
    );
    for (let each = 0; each < 4; each++) assert.equal(await text(url), "200 two");
  });
});
