import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { delay } from "@ballast/runtime";
import type { Overview } from "@ballast/runtime/meta";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The command of `deno task serve`, without the task runner in between: that would hide how the service ends. */
const [, ...command] = JSON.parse(readFileSync(`${root}/deno.json`, "utf8")).tasks.serve.command.split(" ");

/** The demo service in a process of its own. */
interface Service {
  readonly child: ChildProcess;
  readonly url: string;
  readonly metaUrl: string;
  readonly output: () => string;
}

function start(...args: string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, [...command, ...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1" },
  });
  let text = "";
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding("utf8").on("data", (chunk) => text += chunk);
  }
  return { child, output: () => text };
}

async function serve(use: (service: Service) => Promise<void>, ...args: string[]): Promise<void> {
  const { child, output } = start("--port", "0", "--meta-port", "0", ...args);
  try {
    await until(() => /Ctrl-C/.test(output()), () => `the service did not start: ${output()}`);
    const [url, metaUrl] = ["The service", "The meta app"].map((label) =>
      new RegExp(`${label}\\s+(http://[\\d.:]+)/`).exec(output())![1]!
    );
    await use({ child, url: url!, metaUrl: metaUrl!, output });
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  }
}

async function until(holds: () => boolean | Promise<boolean>, message: () => string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await holds()) return;
    await delay(100);
  }
  assert.fail(message());
}

async function json<T>(url: string, init?: RequestInit): Promise<T> {
  const response = await fetch(url, init);
  assert.ok(response.ok, `${url}: ${response.status}`);
  return await response.json();
}

interface Answer {
  readonly stock: { backend: string };
  readonly calls: readonly {
    readonly name: string;
    readonly stale: boolean;
    readonly reply: { backend: string };
  }[];
}

test("requests keep flowing while DNS is dead, and the meta app says why", () =>
  serve(async ({ url, metaUrl }) => {
    const first = await json<Answer>(url);
    assert.deepEqual(first.calls.map(({ name, reply }) => [name, reply.backend]), [
      ["users.demo.test", "users"],
      ["orders.demo.test", "orders"],
    ]);
    assert.equal((await fetch(`${metaUrl}/readyz`)).status, 200);
    assert.deepEqual(dnsFindings(await json<Overview>(metaUrl)), []);

    for (const mode of ["drop", "delay", "servfail"]) {
      assert.deepEqual(await json(`${url}/chaos/dns?mode=${mode}`, { method: "POST" }), { mode });
      const findings = async () => dnsFindings(await json<Overview>(metaUrl));
      await until(
        async () => (await findings()).includes("dns-stale-for-long"),
        () => `${mode} is not found out`,
      );
      const { calls } = await json<Answer>(url);
      assert.deepEqual(calls.map(({ stale }) => stale), [true, true]);
      await json(`${url}/chaos/dns?mode=ok`, { method: "POST" });
      await until(async () => (await findings()).length === 0, () => `${mode} is not got over`);
    }
    const metrics = await (await fetch(`${metaUrl}/metrics`)).text();
    assert.match(metrics, /^ballast_shop_failures_total 0$/m);
    assert.match(metrics, /^ballast_dns_resolve_failed_total 0$/m);
  }));

test("requests keep flowing while the servers of an endpoint are down, slow, or break off", () =>
  serve(async ({ url, metaUrl }) => {
    const ids = async () => (await json<Overview>(metaUrl)).findings.map(({ id }) => id);
    const set = (name: string, mode: string) =>
      json(`${url}/chaos/backend?name=${name}&mode=${mode}`, { method: "POST" });
    assert.match((await json<Answer>(url)).stock.backend, /^stock-[ab]$/);
    for (const mode of ["down", "slow", "reset"]) {
      await set("stock-a", mode);
      await set("stock-b", mode);
      for (let call = 0; call < 5; call++) {
        assert.equal((await json<Answer>(url)).stock.backend, "stock-c", mode);
      }
      assert.ok((await ids()).includes("connections-marked-down-stock"), mode);
      await set("stock-a", "ok");
      await set("stock-b", "ok");
      await until(
        async () => /^stock-[ab]$/.test((await json<Answer>(url)).stock.backend),
        () => `${mode} is not got over`,
      );
    }
    const metrics = await (await fetch(`${metaUrl}/metrics`)).text();
    assert.match(metrics, /^ballast_shop_failures_total 0$/m);
    for (const query of ["name=stock-a&mode=bogus", "name=nobody&mode=ok", ""]) {
      const response = await fetch(`${url}/chaos/backend?${query}`, { method: "POST" });
      assert.equal(response.status, 400);
      assert.match((await response.json()).error, /must be one of/);
    }
  }));

test("the shop goes on while the service is overloaded, and the meta app says so at once", () =>
  serve(async ({ url, metaUrl }) => {
    const load = (query: string) => fetch(`${url}/chaos/load${query}`, { method: "POST" });
    for (const query of ["?times=11", "?times=x", "?times=", "?seconds=-1"]) {
      assert.equal((await load(query)).status, 400);
    }
    assert.deepEqual(await (await load("?times=3&seconds=20")).json(), {
      perSecond: 600,
      capacity: 200,
      seconds: 20,
    });
    const findings = async () => (await json<Overview>(metaUrl)).findings.map(({ id }) => id);
    await until(
      async () => (await findings()).includes("overload-shedding"),
      () => "the overload is not found out",
    );
    const metrics = async () => await (await fetch(`${metaUrl}/metrics`)).text();
    const refused = (text: string, priority: string) =>
      [...text.matchAll(/^ballast_overload_refused_total\{part="server",priority="(\w+)".*\} (\d+)$/mg)]
        .filter((line) => line[1] === priority).reduce((sum, line) => sum + Number(line[2]), 0);
    await until(
      async () => refused(await metrics(), "sheddable") > 200,
      () => "nothing is refused",
    );
    // On a busy machine the shop may lose one, too.
    await until(async () => {
      const response = await fetch(url);
      await response.body?.cancel();
      return response.ok;
    }, () => "the shop does not answer");
    const text = await metrics();
    assert.ok(refused(text, "normal") * 20 < refused(text, "sheddable"), text);
    assert.equal((await load("?times=0&seconds=0")).status, 200);
  }));

test("every page of the meta app is there, as HTML and as JSON", () =>
  serve(async ({ url, metaUrl }) => {
    for (
      const path of [
        "/",
        "/dns",
        "/connections",
        "/overload",
        "/stats",
        "/log",
        "/shop",
        "/metrics",
        "/livez",
        "/readyz",
      ]
    ) {
      const page = await fetch(metaUrl + path, { headers: { accept: "text/html" } });
      assert.equal(page.status, 200, path);
      await page.body?.cancel();
    }
    for (const path of ["/", "/dns", "/connections", "/stats", "/log", "/shop"]) {
      assert.ok(await json(`${metaUrl}${path}?format=json`), path);
    }
    const page = await (await fetch(url, { headers: { accept: "text/html" } })).text();
    assert.match(page, /users\.demo\.test/);
    assert.match(page, new RegExp(`href="${metaUrl}/dns"`));
  }));

test("nonsense and strangers break nothing", () =>
  serve(async ({ url }) => {
    for (const mode of ["", "?mode=", "?mode=bogus", "?mode=constructor"]) {
      const response = await fetch(`${url}/chaos/dns${mode}`, { method: "POST" });
      assert.equal(response.status, 400);
      assert.match((await response.json()).error, /mode must be one of ok, drop, delay, servfail, got/);
    }
    const foreign = { method: "POST", headers: { origin: "http://evil.example" } };
    const refused = await fetch(`${url}/chaos/dns?mode=drop`, foreign);
    assert.equal(refused.status, 403);
    await refused.body?.cancel();
    assert.equal((await json<Answer>(url)).calls[0]!.stale, false);
  }));

test("Ctrl-C ends it in under a second, with code 0, even while DNS is dead and a live page is open", () =>
  serve(async ({ child, url, metaUrl, output }) => {
    await json(`${url}/chaos/dns?mode=drop`, { method: "POST" });
    await json<Answer>(url);
    const live = await fetch(`${metaUrl}/events`);
    const reader = live.body!.getReader();
    assert.equal((await reader.read()).done, false);
    const pageEnded = (async () => {
      while (!(await reader.read()).done);
    })();
    const startedAt = performance.now();
    const ended = once(child, "exit");
    // Not child.kill(): under Deno that reports the signal sent instead of how the process ended.
    process.kill(child.pid!, "SIGINT");
    const [code, signal] = await ended;
    assert.deepEqual([code, signal], [0, null], output());
    assert.ok(performance.now() - startedAt < 1_000);
    await pageEnded;
    assert.doesNotMatch(output(), /error/i);
  }));

test("a taken port, and options that make no sense, are one clear line", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const wrong: readonly [string[], string][] = [
    [["--port", `${port}`, "--meta-port", "0"], `port ${port} is taken: choose another with --port <n>`],
    [["--port", "0", "--meta-port", `${port}`], `port ${port} is taken: choose another with --meta-port <n>`],
    [["--port", "eighty"], `--port must be a whole number from 0 to 65535, got "eighty"`],
    [["--resolver", "magic"], `--resolver must be demo or system, got "magic"`],
    [["--colour"], "Unknown option '--colour'"],
  ];
  try {
    for (const [args, message] of wrong) {
      const { child, output } = start(...args);
      const [code] = await once(child, "close");
      assert.equal(code, 1, output());
      const lines = output().trim().split("\n");
      assert.equal(lines.length, 1, output());
      assert.ok(lines[0]!.startsWith(`The service cannot start: ${message}`), output());
    }
  } finally {
    server.close();
  }
});

/** On a busy machine the event loop may well have been late: that is no matter here. */
function dnsFindings({ findings }: Overview): string[] {
  return findings.map(({ id }) => id).filter((id) => id !== "long-pauses");
}
