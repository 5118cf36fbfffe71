/**
 * A Worker that does to its caches what a test asks: `/CACHE/CALL?name=...`, where `options` make the cache when it is first
 * named. Whatever was awaited, input and output must go on working in the request: so each answer comes after a round trip.
 */

import {
  createDnsCache,
  createRuntime,
  currentContext,
  detectPlatform,
  type DnsCache,
  dohResolver,
  type Family,
  withWaitUntil,
} from "@ballast/runtime";

interface Execution {
  waitUntil(work: Promise<unknown>): void;
}

// Outside of any request, and with nothing said: timers, signals and queries are all forbidden here.
const runtime = createRuntime({ dns: { preresolve: ["warm.demo.test", "no name"] } });
createRuntime();

const caches = new Map<string, DnsCache>();

function cacheOf(id: string, { searchParams }: URL): DnsCache {
  if (id === "default") return runtime.dns;
  const known = caches.get(id);
  if (known !== undefined) return known;
  const { url, ...options } = JSON.parse(searchParams.get("options") ?? "{}");
  const cache = createDnsCache({ resolver: dohResolver({ url }), timeoutMs: 1_000, ...options });
  caches.set(id, cache);
  return cache;
}

async function call(url: URL): Promise<unknown> {
  const [, id = "", what] = url.pathname.split("/");
  const name = url.searchParams.get("name") ?? "";
  const family = Number(url.searchParams.get("family") ?? 4) as Family;
  switch (what) {
    case "platform": {
      const { name, capabilities } = detectPlatform();
      const followed = await runtime.context.run(async () => {
        await Promise.resolve();
        return currentContext()?.name;
      });
      return { name, capabilities, followed };
    }
    case "ready":
      return await runtime.ready();
    case "snapshot":
      return cacheOf(id, url).snapshot();
    case "peek":
      return cacheOf(id, url).peek(name, { family }) ?? null;
    case "close":
      return await cacheOf(id, url).close();
    case "leave":
      cacheOf(id, url).resolve(name, { family }).catch(() => {});
      return "left";
    case "many":
      return await Promise.all(Array.from({ length: 10 }, () => cacheOf(id, url).resolve(name, { family })));
    default:
      return await cacheOf(id, url).resolve(name, { family });
  }
}

async function respond(url: URL): Promise<Response> {
  const answer = await call(url).then(
    (value) => ({ value }),
    (error) => ({ error: error.code, text: String(error) }),
  );
  const echo = url.searchParams.get("echo");
  if (echo !== null) await (await fetch(echo)).text();
  const lingerMs = Number(url.searchParams.get("linger") ?? 0);
  if (lingerMs > 0) await new Promise((resolve) => setTimeout(resolve, lingerMs));
  return Response.json(answer);
}

export default {
  fetch(request: Request, _env: unknown, ctx: Execution): Promise<Response> {
    const url = new URL(request.url);
    return url.searchParams.has("keep") ? withWaitUntil(ctx, () => respond(url)) : respond(url);
  },
};
