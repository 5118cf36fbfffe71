import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import {
  bufferedConnection,
  type ByteConnection,
  createConnectionManager,
} from "@ballast/runtime/connections";
import fc from "fast-check";
import { ask } from "../../examples/connections/failover.ts";
import { readNetstring, writeNetstring } from "../../examples/connections/netstring.ts";
import { SERVER_MODES, startNetstringServer } from "../../examples/connections/netstring_server.ts";

/** A connection that reads what was written to it, in pieces of `size` bytes. */
function looped(size: number): ByteConnection & { push(bytes: Uint8Array): void } {
  let held = new Uint8Array();
  return {
    read() {
      const piece = held.slice(0, size);
      held = held.slice(size);
      return Promise.resolve(piece.length === 0 ? undefined : piece);
    },
    write(bytes) {
      this.push(bytes);
      return Promise.resolve();
    },
    push(bytes) {
      held = new Uint8Array([...held, ...bytes]);
    },
  };
}

test("netstrings come out as they went in, however they are cut", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme" }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 9 }),
      async (messages, size) => {
        const connection = bufferedConnection(looped(size));
        for (const message of messages) await writeNetstring(connection, message);
        for (const message of messages) assert.equal(await readNetstring(connection), message);
        assert.equal(connection.buffered, 0);
      },
    ),
    { numRuns: 50 },
  ));

test("what is no netstring is refused", async () => {
  for (const wrong of ["x", ":", "01:a,", "3:abcd", "99999999:", "-1:,", "70000:"]) {
    const source = looped(3);
    source.push(new TextEncoder().encode(wrong));
    await assert.rejects(readNetstring(bufferedConnection(source)), SyntaxError, wrong);
  }
});

test("a server may be down, slow or break off: the other one answers", async () => {
  const servers = [
    await startNetstringServer((question) => `first: ${question}`),
    await startNetstringServer((question) => `second: ${question}`),
  ] as const;
  await using manager = createConnectionManager({
    endpoints: {
      echo: { tiers: servers.map(({ address }) => [address]), markdown: { failures: 1, baseMs: 50 } },
    },
  });
  const first = () => ask(manager, "echo", "?");
  assert.equal(await first(), "first: ?");
  for (const mode of SERVER_MODES) {
    await servers[0].setMode(mode);
    if (mode !== "ok") { for (let call = 0; call < 5; call++) assert.match(await first(), /^second/); }
  }
  await servers[0].setMode("ok");
  for (let tries = 0; tries < 200 && !(await first()).startsWith("first"); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.match(await first(), /^first/);
  await manager.close();
  for (const server of servers) await server.close();
});

test("the example runs, and ends by itself", async () => {
  const path = fileURLToPath(new URL("../../examples/connections/failover.ts", import.meta.url));
  const child = spawn(process.execPath, ["run", "--quiet", "--no-check", "--allow-net", path], {
    env: { ...process.env, NO_COLOR: "1" },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output += chunk);
  const [code] = await once(child, "exit");
  assert.equal(code, 0, output);
  assert.match(output, /the first one heard "hello"\nthe second one heard "are you there\?"/);
});
