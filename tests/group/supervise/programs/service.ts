/** A service that does what its requests ask for. Its options are the first argument, as JSON; what happens is written as lines of JSON. */

import { writeSync } from "node:fs";
import process from "node:process";
import { createGroup, type GroupOptions } from "@ballast/runtime/group";

interface ServiceOptions extends GroupOptions {
  /** What goes wrong in every child at its start. */
  readonly broken?: "throws" | "exits";
  /** Wait until the supervisor is gone before the group is made. */
  readonly orphaned?: boolean;
}

const { broken, orphaned, ...options } = JSON.parse(process.argv[2] ?? "{}") as ServiceOptions;
const say = (event: Record<string, unknown>) =>
  process.stdout.write(`${JSON.stringify({ pid: process.pid, ...event })}\n`);
const kept: Uint8Array[] = [];

if (orphaned === true && process.connected) {
  await new Promise<void>((resolve) => process.once("disconnect", resolve));
}
const group = createGroup({
  name: "service",
  ...options,
  apps: [{
    name: "web",
    hostname: "127.0.0.1",
    ...(!options.apps?.[0]?.path && { port: 0 }),
    ...options.apps?.[0],
    fetch: answer,
  }],
  onChildStart(child) {
    say({ type: "child starts", child: child.id });
    if (broken === "throws") throw new Error("the database has no table of orders");
    if (broken === "exits") {
      console.error("fatal: no licence was found");
      process.exit(7);
    }
  },
});
const hits = group.runtime.stats.counter("test.hits");

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  hits.add();
  const number = (name: string) => Number(searchParams.get(name) ?? 0);
  switch (pathname) {
    case "/slow":
      say({ type: "slow" });
      await new Promise((resolve) => setTimeout(resolve, number("ms")));
      break;
    case "/leak":
      kept.push(new Uint8Array(number("mib") * 2 ** 20).fill(1));
      break;
    case "/heap":
      collectGarbage();
      return Response.json({ pid: process.pid, bytes: process.memoryUsage().heapUsed });
    case "/stuck":
      // At once: nothing is written once it is stuck.
      writeSync(1, `${JSON.stringify({ pid: process.pid, type: "stuck here" })}\n`);
      while (kept.length >= 0);
      break;
    case "/crash":
      process.exit(3);
  }
  return new Response(String(process.pid));
}

/** Where the program was started with `--expose-gc`. */
function collectGarbage(): void {
  (globalThis as { gc?: () => void }).gc?.();
}

if (group.role === "supervisor") {
  group.events.subscribe((event) =>
    say({ ...event, pid: process.pid, ...("pid" in event && { childPid: event.pid }) })
  );
}
const listeners = await group.ready();
say({ type: "serving", role: group.role, port: listeners[0]!.port, metaPort: group.snapshot().meta?.port });
say({ type: "end", role: group.role, ...await group.serve() });
