/**
 * A program on Ballast and the standard library: `deno run --config examples/std_interop/deno.json examples/std_interop/main.ts`.
 *
 * @module
 */

import { createRuntime, staticResolver } from "@ballast/runtime";
import { deadline } from "@std/async";
import { ConsoleHandler, info } from "@std/log";
import { setUpLogging } from "./logging.ts";
import { newest, resolveEach } from "./lookups.ts";

const logger = setUpLogging(new ConsoleHandler("INFO", { useColors: false }));

await using runtime = createRuntime({
  name: "shop",
  log: { logger },
  dns: {
    preresolve: ["db.internal", "mail.internal"],
    // In place of a network; leave it out, and the machine's name servers are asked.
    resolver: staticResolver({ "db.internal": ["10.0.0.4", "10.0.0.5"], "cache.internal": ["10.0.0.6"] }),
  },
});

// `ready()` takes no signal, so this is a place for `deadline`. A name that fails is in the report: it stops nothing.
const { dns } = await deadline(runtime.ready(), 2_000);
info(`warm: ${dns.resolved.join(", ")}; not there yet: ${dns.failed.map(({ name }) => name).join(", ")}`);

for await (const result of resolveEach(runtime.dns, ["db.internal", "cache.internal", "10.0.0.7"], 2)) {
  const what = "error" in result ? result.error : result.addresses.map(({ address }) => address).join(", ");
  info(`${result.name}: ${what}`);
}

const [{ address }] = await newest(runtime.dns, "db.internal", 200);
info(`db.internal is ${address}, as of just now`);
