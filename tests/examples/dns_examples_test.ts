import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs an example as its first lines say, with no more permissions. */
async function run(path: string, ...permissions: string[]): Promise<string> {
  const args = ["run", "--quiet", ...permissions, path];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 30_000 });
  return stdout;
}

// Without the permission to ask the machine's name servers: tests stay on loopback, and a failure is what it shows.
test("the cache alone", async () => {
  const output = await run("examples/dns/cache.ts", "--allow-net=127.0.0.1", "--allow-env");
  assert.match(output, /^db\.internal is 10\.0\.0\.4$/m);
  assert.match(output, /^no-such-host\.invalid (does not|may) exist: /m);
  assert.match(output, /^db\.internal \(A\): 10\.0\.0\.5$/m);
  assert.match(output, /^db\.internal \(AAAA\): gone$/m);
});

test("node:http through the cache", async () => {
  assert.match(
    await run("examples/dns/node_http.ts", "--allow-net", "--allow-env"),
    /^hello from api\.internal:\d+$/m,
  );
});

test("undici through the cache", async () => {
  const output = await run("examples/dns/undici.ts", "--allow-net", "--allow-env", "--allow-read");
  assert.match(output, /^hello from api\.internal:\d+$/m);
});
