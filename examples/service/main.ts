/**
 * A whole service on Ballast, in one process: `deno task serve`.
 *
 * An embedded DNS server knows two HTTP backends by name; the service resolves and calls them for every request. Break
 * the DNS server (`POST /chaos/dns?mode=drop|delay|servfail|ok`), or one of the three TCP servers behind the endpoint `stock`
 * (`POST /chaos/backend?name=stock-a&mode=down|slow|reset|ok`), and requests keep flowing, while the meta app says why. Overload it
 * (`POST /chaos/load?times=3`), and the shop goes on while the rest is refused.
 *
 * @module
 */

import { configure, getConsoleSink } from "@logtape/logtape";
import { createRuntime, delay, errorMessage } from "@ballast/runtime";
import { createMetaApp } from "@ballast/runtime/meta";
import { type Backend, startBackends } from "./backends.ts";
import { startDnsServer } from "./dns_server.ts";
import { readOptions, type ServiceOptions, USAGE } from "./options.ts";
import { createShop } from "./shop.ts";
import { startStock } from "./stock.ts";
import { startTraffic } from "./traffic.ts";

/** In-flight requests get this long when the service ends. */
const DRAIN_MS = 500;
const DOMAIN = "demo.test";

async function main(options: ServiceOptions): Promise<void> {
  await configure({
    sinks: { console: getConsoleSink() },
    loggers: [
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["console"] },
      { category: "ballast", lowestLevel: "info", sinks: ["console"] },
    ],
  });

  const { backends, close: closeBackends } = await startBackends();
  const stock = await startStock();
  const demo = options.resolver === "demo";
  const zone = Object.fromEntries(
    backends.map(({ name }) => [`${name}.${DOMAIN}`, { a: ["127.0.0.1"], ttl: 1 }]),
  );
  const dnsServer = demo ? await startDnsServer({ zone, origin: DOMAIN }) : undefined;
  const nameOf = ({ name }: Backend) => demo ? `${name}.${DOMAIN}` : "localhost";

  const runtime = createRuntime({
    name: "shop",
    dns: {
      servers: dnsServer ? [{ address: dnsServer.address, port: dnsServer.port }] : [],
      refreshMs: 1_000, // five minutes in real life; here everything is to be seen to move
      preresolve: [...new Set(backends.map(nameOf))],
    },
    connections: { endpoints: { stock: stock.endpoint } },
    overload: {
      // The shop goes on selling while the work of /chaos/load is refused.
      priority: ({ url }) => url.endsWith("/work") ? "sheddable" : "normal",
      exempt: ["/chaos/*"],
    },
  });

  const metaServer = startServer("--meta-port", options.metaPort, createMetaApp(runtime).fetch);
  const metaUrl = metaServer.url;
  const shop = createShop({ runtime, backends, stock, nameOf, dnsServer, metaUrl });
  const server = startServer("--port", options.port, shop.app.fetch);
  const { url } = server;
  await runtime.ready();
  const traffic = startTraffic(url, options.traffic);

  console.log(`
  The service     ${url}/
  The meta app    ${metaUrl}/
  Break DNS       curl -X POST "${url}/chaos/dns?mode=drop"     (or delay, servfail; ok repairs it)
  Break a server  curl -X POST "${url}/chaos/backend?name=stock-a&mode=down"     (or slow, reset; ok repairs it)
  Overload it     curl -X POST "${url}/chaos/load?times=3"      (for 10 seconds; ${metaUrl}/overload)
  End             Ctrl-C
`);

  await interrupted();
  traffic.stop();
  await server.drain();
  shop.close();
  // With the runtime its live pages end, which the meta app would otherwise wait for.
  await runtime.close();
  await Promise.all([metaServer.drain(), dnsServer?.close(), closeBackends(), stock.close()]);
}

type Handler = (request: Request) => Response | Promise<Response>;

/** A server that ends without breaking what is under way. */
interface Server {
  readonly url: string;
  /** Takes no more requests; those in flight finish, or are cut off when their time is up. */
  drain(): Promise<void>;
}

function startServer(option: string, port: number, handler: Handler): Server {
  const force = new AbortController();
  const server = serve(option, { port, signal: force.signal }, handler);
  return {
    url: `http://${server.addr.hostname}:${server.addr.port}`,
    async drain() {
      const drained = server.shutdown().then(() => true);
      if (!await Promise.race([drained, delay(DRAIN_MS, { keepAlive: false })])) force.abort();
    },
  };
}

function serve(
  option: string,
  options: { readonly port: number; readonly signal: AbortSignal },
  handler: Handler,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname: "127.0.0.1", onListen() {}, ...options }, handler);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new Error(`port ${options.port} is taken: choose another with ${option} <n>`);
  }
}

/** Resolves with the first Ctrl-C or SIGTERM. A second one ends the process at once, as it does by default. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
    const stop = () => {
      for (const signal of signals) Deno.removeSignalListener(signal, stop);
      resolve();
    };
    for (const signal of signals) Deno.addSignalListener(signal, stop);
  });
}

try {
  const options = readOptions(Deno.args);
  if (options.help) console.log(USAGE);
  else await main(options);
} catch (error) {
  console.error(`The service cannot start: ${errorMessage(error)}`);
  Deno.exit(1);
}
