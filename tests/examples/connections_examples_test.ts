import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("HTTP by the name of a service, while its servers die one by one", async () => {
  const permissions = ["--allow-net=127.0.0.1", "--allow-env", "--allow-read"];
  const args = ["run", "--quiet", ...permissions, "examples/connections/http.ts"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 60_000 });
  assert.match(stdout, /^all are well: .*(one|two)/m);
  assert.match(stdout, /^one is dead: two$/m);
  assert.match(stdout, /^two is dead as well: fallback$/m);
  assert.match(stdout, /^nobody is left: fetch failed$/m);
});
