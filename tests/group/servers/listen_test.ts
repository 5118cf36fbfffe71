import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createServerSet } from "@ballast/runtime/group";
import { dial, eventually, get, say, serve, within } from "./support.ts";

const app = { fetch: () => new Response("ok") };
const CLOSING = get("/", "connection: close\r\n");

test("unix sockets: served, removed in the end, and one that was left behind is replaced", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "ballast-"));
  const path = join(folder, "app.sock");
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  {
    await using served = await serve({ apps: [{ ...app, path }] });
    assert.equal(served.url, `unix:${path}`);
    assert.match(await say(path, CLOSING), /ok$/);
    // Somebody listens there: that is respected.
    const second = createServerSet({ apps: [{ ...app, name: "second", path }] });
    await assert.rejects(second.listen(), /listener "second": .*EADDRINUSE/);
  }
  await eventually(() => !existsSync(path), "the socket file is still there");
  await leaveBehind(path);
  assert.ok(existsSync(path));
  await using served = await serve({ apps: [{ ...app, path }] });
  assert.match(await say(path, CLOSING), /ok$/);
  await eventually(() => served.servers.snapshot().listeners[0]!.clients === 0, "a client is left");
});

/** A socket file that nobody answers on: what a process that was killed leaves. */
async function leaveBehind(path: string): Promise<void> {
  const { execFileSync } = await import("node:child_process");
  const code =
    `const s = require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"));`;
  const isDeno = "Deno" in globalThis;
  const args = isDeno
    ? [
      "eval",
      code.replace("require(", "process.getBuiltinModule(").replace("process.argv[1]", JSON.stringify(path)),
    ]
    : ["-e", code, path];
  try {
    execFileSync(process.execPath, args, { stdio: "ignore" });
  } catch {
    // It was killed: that is the point.
  }
}

test("a server that came from elsewhere is listened on", async () => {
  const held = createServer();
  await new Promise<void>((resolve) => held.listen(0, "127.0.0.1", resolve));
  const { port } = held.address() as { port: number };
  const servers = createServerSet({ apps: [{ ...app, name: "web" }] });
  const [bound] = await servers.listen(() => ({ kind: "handle", handle: held }));
  assert.equal(bound!.port, port);
  assert.match(await say(port, CLOSING), /ok$/);
  await servers.close();
  held.close();
});

test("connections that were accepted elsewhere are served as if they had been accepted here", async () => {
  const servers = createServerSet({ apps: [{ ...app, name: "web" }] });
  const sockets: Socket[] = [];
  const holder: Server = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.push(socket);
    servers.accept("web", socket);
  });
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const { port } = holder.address() as { port: number };
  const [bound] = await servers.listen(() => ({ kind: "handed", port }));
  assert.equal(bound!.port, port);
  assert.match(await say(port, CLOSING), /ok$/);
  using client = await dial(port);
  await eventually(() => servers.snapshot().listeners[0]!.open === 1, "it is not open");
  const drained = within(servers.drain({ timeoutMs: 5_000 }), 4_000);
  client.send(get());
  assert.match(await client.ended(), /ok$/);
  await drained;
  using late = await dial(port);
  assert.equal(await late.ended(), "");
  holder.close();
});

test("listen() that fails leaves nothing open", async () => {
  await using taken = await serve({ apps: [app] });
  const servers = createServerSet({
    apps: [
      { ...app, name: "first", hostname: "127.0.0.1" },
      { ...app, name: "second", hostname: "127.0.0.1", port: taken.port },
    ],
  });
  await assert.rejects(servers.listen(), /listener "second"/);
  assert.equal(servers.state, "closed");
  await assert.rejects(servers.listen(), /listen\(\) is called once/);
});
