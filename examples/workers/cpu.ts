/**
 * The event loop with and without workers: `deno run -A examples/workers/cpu.ts`, then open the page. Each button does the same
 * work, a large report parsed and four passwords hashed, here or in workers, and tells the longest that the event loop was held
 * up by it. The meta app is on the next port.
 */

import { createRuntime } from "@ballast/runtime";
import { createMetaApp } from "@ballast/runtime/meta";
import { hashPassword, revenue } from "./tasks.ts";

const port = Number(Deno.args[0] ?? 8890);
const runtime = createRuntime({ name: "workers-demo" });
const report = JSON.stringify(
  Array.from({ length: 60_000 }, (_, id) => ({ id, cents: id % 997, note: `order ${id}` })),
);
const passwords = ["correct horse", "battery staple", "open sesame", "hunter2"];

/** The work, by functions that run it here or elsewhere. */
async function work(
  total: (json: string) => number | Promise<number>,
  hash: (password: string, salt: string) => string | Promise<string>,
): Promise<{ readonly cents: number; readonly hashes: number }> {
  const [cents, ...hashes] = await Promise.all([
    total(report),
    ...passwords.map((password) => hash(password, "salt")),
  ]);
  return { cents, hashes: hashes.length };
}

/** Runs `fn` and tells the longest time between two turns of the event loop meanwhile. */
async function worstPause(fn: () => Promise<unknown>): Promise<{ worstPauseMs: number; tookMs: number }> {
  const startedAt = performance.now();
  let last = startedAt;
  let worst = 0;
  const look = () => {
    const now = performance.now();
    worst = Math.max(worst, now - last - 1);
    last = now;
  };
  const timer = setInterval(look, 1);
  await fn();
  look();
  clearInterval(timer);
  return { worstPauseMs: Math.max(0, worst), tookMs: performance.now() - startedAt };
}

const ways: Record<string, () => Promise<unknown>> = {
  "/here": () => work(revenue.inline, hashPassword.inline),
  "/workers": () => work(revenue, hashPassword),
};

async function handle(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const way = ways[pathname];
  if (way !== undefined) return Response.json(await runtime.context.run(() => worstPause(way)));
  return pathname === "/"
    ? new Response(PAGE, { headers: { "content-type": "text/html" } })
    : new Response("", { status: 404 });
}

const PAGE = `<!doctype html><meta charset="utf-8"><title>Workers</title>
<style>body{font:16px system-ui;max-width:40rem;margin:3rem auto;padding:0 1rem}button{font:inherit;margin-right:1rem}
td,th{text-align:right;padding:.2rem 1rem .2rem 0}</style>
<h1>How long is the event loop held up?</h1>
<p>A report of 60,000 orders is parsed, and four passwords are hashed.</p>
<p><button data-way="/here">Here</button><button data-way="/workers">In workers</button></p>
<table><thead><tr><th>Where<th>Worst pause<th>All of it</thead><tbody></tbody></table>
<p>The <a href="http://127.0.0.1:${port + 1}/workers">meta app</a> shows the pools.</p>
<script>for (const button of document.querySelectorAll("button")) button.onclick = async () => {
  const { worstPauseMs, tookMs } = await (await fetch(button.dataset.way)).json();
  const row = document.querySelector("tbody").insertRow(0);
  for (const text of [button.textContent, worstPauseMs.toFixed(0) + " ms", tookMs.toFixed(0) + " ms"]) row.insertCell().textContent = text;
}</script>`;

const quiet = { hostname: "127.0.0.1", onListen() {} };
Deno.serve({ ...quiet, port }, handle);
Deno.serve({ ...quiet, port: port + 1 }, createMetaApp(runtime).fetch);
console.log(
  `The page        http://127.0.0.1:${port}/\nThe meta app    http://127.0.0.1:${port + 1}/workers`,
);
