/** The service: every request resolves two backends through Ballast and calls both, and asks an endpoint for its stock. */

import { createRequestContexts, type Runtime } from "@ballast/runtime";
import { type Context, Hono } from "hono";
import { accepts } from "hono/accepts";
import { html } from "hono/html";
import { Agent, get, type RequestOptions } from "node:http";
import type { Backend, BackendReply } from "./backends.ts";
import { SERVER_MODES, type ServerMode } from "../connections/netstring_server.ts";
import type { DnsFault, EmbeddedDnsServer } from "./dns_server.ts";
import { addLoad } from "./load.ts";
import { askStock, type Stock, type StockReply } from "./stock.ts";

/** What the service stands on. */
export interface ShopOptions {
  readonly runtime: Runtime;
  readonly backends: readonly Backend[];
  /** The servers behind the endpoint `stock`. */
  readonly stock: Stock;
  /** The name under which a backend is resolved. */
  readonly nameOf: (backend: Backend) => string;
  /** The DNS server to break; undefined where the machine's own resolver is used. */
  readonly dnsServer: EmbeddedDnsServer | undefined;
  readonly metaUrl: string;
}

/** How one backend was called. */
interface Call {
  readonly name: string;
  readonly address: string;
  /** Whether the address is an old one, served because DNS is down. */
  readonly stale: boolean;
  readonly resolveMs: number;
  readonly callMs: number;
  readonly reply: BackendReply;
}

const CALL_TIMEOUT_MS = 1_000;
const REQUEST_MS = 2_000;
const MODES: Readonly<Record<string, DnsFault>> = {
  ok: { mode: "ok" },
  drop: { mode: "drop" },
  delay: { mode: "delay", delayMs: 3_000 },
  servfail: { mode: "servfail" },
};

/** The service: a Hono app, and what ends its connections. */
export interface Shop {
  readonly app: Hono;
  close(): void;
}

/** Makes the service. */
export function createShop(
  { runtime, backends, stock, nameOf, dnsServer, metaUrl }: ShopOptions,
): Shop {
  const { connections, dns, stats, platform: { clock } } = runtime;
  // A connection per call, so that each of them goes through the DNS cache.
  const agent = new Agent({ keepAlive: false });
  const counters = { requests: stats.counter("shop.requests"), failures: stats.counter("shop.failures") };
  const durations = stats.distribution("shop.request", { unit: "ms", help: "A request and both its calls" });

  runtime.reports.add("shop", {
    report: () => ({
      id: "shop",
      title: "Shop",
      summary: `${counters.requests.value} requests, ${counters.failures.value} failed`,
      facts: [
        { label: "Requests", value: counters.requests.value },
        { label: "Failed", value: counters.failures.value },
        { label: "DNS server", value: dnsServer ? dnsServer.fault.mode : "the machine's own" },
        ...Object.entries(stock.modes).map(([label, value]) => ({ label, value })),
      ],
    }),
  });

  async function call(backend: Backend): Promise<Call> {
    const name = nameOf(backend);
    const startedAt = clock.monotonic();
    const [first] = await dns.resolve(name);
    const resolvedAt = clock.monotonic();
    const reply = await fetchJson<BackendReply>({
      hostname: name,
      port: backend.port,
      lookup: dns.lookup,
      agent,
    });
    const callMs = clock.monotonic() - resolvedAt;
    return {
      name,
      address: first!.address,
      stale: first!.stale,
      resolveMs: resolvedAt - startedAt,
      callMs,
      reply,
    };
  }

  const app = new Hono();
  // First, so that a refusal costs little.
  app.use(runtime.overload.middleware());
  // Each request has a deadline, which its lookups keep to, and a trace, which its records carry.
  app.use(createRequestContexts(runtime.context, { deadlineMs: REQUEST_MS }).middleware());
  const load = addLoad(app);
  app.get("/", async (context) => {
    const startedAt = clock.monotonic();
    counters.requests.add();
    try {
      const [left, calls] = await Promise.all([
        askStock(connections, "tea"),
        Promise.all(backends.map(call)),
      ]);
      durations.add(clock.monotonic() - startedAt);
      if (wantsPage(context)) return context.html(page({ calls, left, stock, dnsServer, metaUrl }));
      return context.json({ calls, stock: left });
    } catch (error) {
      counters.failures.add();
      throw error;
    }
  });
  app.post("/chaos/dns", async (context) => {
    const stranger = strangerOf(context);
    if (stranger !== undefined) return context.json({ error: `no page of ${stranger} may do that` }, 403);
    const mode = context.req.query("mode") ?? String((await context.req.parseBody()).mode ?? "");
    const fault = Object.hasOwn(MODES, mode) ? MODES[mode] : undefined;
    if (fault === undefined) {
      return context.json(
        { error: `mode must be one of ${Object.keys(MODES).join(", ")}, got "${mode}"` },
        400,
      );
    }
    if (dnsServer === undefined) {
      return context.json({ error: "there is no DNS server to break with --resolver system" }, 409);
    }
    dnsServer.setFault(fault);
    runtime.log.warn(mode === "ok" ? "the DNS server is repaired" : "the DNS server is broken", { mode });
    if (wantsPage(context)) return context.redirect("/", 303);
    return context.json({ mode });
  });
  app.post("/chaos/backend", async (context) => {
    const stranger = strangerOf(context);
    if (stranger !== undefined) return context.json({ error: `no page of ${stranger} may do that` }, 403);
    const body = await context.req.parseBody();
    const [name, mode] = ["name", "mode"].map((key) => context.req.query(key) ?? String(body[key] ?? ""));
    if (!SERVER_MODES.includes(mode as ServerMode)) {
      return context.json({ error: `mode must be one of ${SERVER_MODES.join(", ")}, got "${mode}"` }, 400);
    }
    if (!await stock.setMode(name!, mode as ServerMode)) {
      const names = Object.keys(stock.modes).join(", ");
      return context.json({ error: `name must be one of ${names}, got "${name}"` }, 400);
    }
    runtime.log.warn(mode === "ok" ? `${name} is repaired` : `${name} is broken`, { name, mode });
    if (wantsPage(context)) return context.redirect("/", 303);
    return context.json({ name, mode });
  });
  app.onError((error, context) => {
    return context.json({ error: error.message }, 502);
  });

  return {
    app,
    close() {
      load.stop();
      agent.destroy();
    },
  };
}

/** The origin of a page that is not the service's own: undefined where there is none, as with curl. */
function strangerOf(context: Context): string | undefined {
  const origin = context.req.header("origin");
  return origin === new URL(context.req.url).origin ? undefined : origin;
}

/** A browser gets pages, everybody else JSON. */
function wantsPage(context: Context): boolean {
  const type = accepts(context, {
    header: "Accept",
    supports: ["application/json", "text/html"],
    default: "application/json",
  });
  return type === "text/html";
}

function fetchJson<T>(options: RequestOptions): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = get({ ...options, signal: AbortSignal.timeout(CALL_TIMEOUT_MS) }, async (response) => {
      try {
        let text = "";
        response.setEncoding("utf8");
        for await (const chunk of response) text += chunk;
        resolve(JSON.parse(text));
      } catch (error) {
        reject(error);
      }
    });
    request.on("error", reject);
  });
}

/** What the page shows. */
interface Page {
  readonly calls: readonly Call[];
  readonly left: StockReply;
  readonly stock: Stock;
  readonly dnsServer: EmbeddedDnsServer | undefined;
  readonly metaUrl: string;
}

function page({ calls, left, stock, dnsServer, metaUrl }: Page) {
  return html`
    <!doctype html>
    <html lang="en">
          <meta charset="utf-8">
          <meta name="viewport" content="width=device-width, initial-scale=1">
          <title>A service on Ballast</title>
          <style>
            :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
            body { max-width: 46rem; margin: 3rem auto; padding: 0 1rem }
            table { border-collapse: collapse; font-variant-numeric: tabular-nums }
            th, td { text-align: left; padding: .25rem 1.25rem .25rem 0 }
            button { font: inherit; padding: .25rem .75rem }
            .scroll { overflow-x: auto }
          </style>
          <h1>A service on Ballast</h1>
          <p>This page called two backends, each by its name.</p>
          <div class="scroll"><table>
            <tr><th>Name</th><th>Address</th><th>Resolved in</th><th>Answered in</th></tr>
            ${calls.map(({ name, address, stale, resolveMs, callMs }) =>
              html`
                <tr>
                  <td>${name}</td>
                  <td>${address}${stale ? " (stale)" : ""}</td>
                  <td>${resolveMs.toFixed(3)} ms</td>
                  <td>${callMs.toFixed(1)} ms</td>
                </tr>
              `
            )}
          </table></div>
          <p>The endpoint <code>stock</code> has ${left.left} pieces of ${left.item} left, says ${left
            .backend}.</p>
          ${dnsServer ? chaosForm(dnsServer.fault.mode) : ""}
          ${stockForms(stock)}
          <p>What the runtime knows of it: <a href="${metaUrl}/">overview</a>, <a href="${metaUrl}/dns">DNS</a>,
            <a href="${metaUrl}/connections">connections</a>.</p>
        </html>
  `;
}

function chaosForm(mode: string) {
  return html`
    <h2>Break the DNS server</h2>
    <p>It is now: <strong>${mode}</strong>. Requests keep flowing whatever you choose; reload to see.</p>
    <form method="post" action="/chaos/dns">
          ${Object.keys(MODES).map((choice) =>
            html`
              <button name="mode" value="${choice}">${choice}</button>
            `
          )}
        </form>
  `;
}

function stockForms(stock: Stock) {
  return html`
    <h2>Break the stock's servers</h2>
    ${Object.entries(stock.modes).map(([name, mode]) =>
      html`
        <form method="post" action="/chaos/backend">
          <p>${name} is now <strong>${mode}</strong>:
            <input type="hidden" name="name" value="${name}">
            ${SERVER_MODES.map((choice) =>
              html`
                <button name="mode" value="${choice}">${choice}</button>
              `
            )}
          </p>
        </form>
      `
    )}
  `;
}
