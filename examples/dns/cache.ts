/**
 * The DNS cache alone: `deno run --allow-net --allow-env examples/dns/cache.ts`, no runtime and no meta app needed.
 *
 * @module
 */

import { createDnsCache, NameNotFoundError, ResolveError } from "@ballast/runtime/dns";

await using dns = createDnsCache({
  timeoutMs: 200, // for one attempt; a name server that takes longer is not waited for
  refreshMs: 300_000, // names in use are asked for again before they are older than that
  hosts: { "db.internal": ["10.0.0.4", "fd00::4"] }, // never queried
});

// Who must be there from the first request on is resolved at start-up, and kept warm.
const { failed } = await dns.preresolve(["localhost", "db.internal"]);
for (const { name, reason } of failed) console.warn(`${name} is not there yet: ${reason}`);

// A program that holds connections moves them when addresses change.
dns.events.subscribe((event) => {
  if (event.type === "changed") {
    console.log(`${event.name} (${event.record}): ${event.addresses.join(", ") || "gone"}`);
  }
});

const [first] = await dns.resolve("db.internal");
console.log(`db.internal is ${first.address}${first.stale ? ", or was when DNS last answered" : ""}`);

try {
  await dns.resolve("db.internal", { family: 6, signal: AbortSignal.timeout(500) });
  await dns.resolve("no-such-host.invalid");
} catch (error) {
  if (error instanceof NameNotFoundError) {
    console.log(`${error.hostname} does not exist: asking again is no use`);
  } else if (error instanceof ResolveError) console.log(`${error.hostname} may exist: ${error.message}`);
  else throw error;
}

dns.setHosts({ "db.internal": ["10.0.0.5"] });
