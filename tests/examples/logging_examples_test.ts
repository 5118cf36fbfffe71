import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs an example as its first lines say; both outputs. */
async function run(name: string): Promise<string> {
  const args = ["run", "--quiet", "--allow-env", `examples/logging/${name}.ts`];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
    cwd: root,
    timeout: 30_000,
  });
  for (const secret of ["hunter2", "t0p-s3cret", "abc.def", "2020 51"]) {
    assert.ok(!(stdout + stderr).includes(secret), `${secret} came out`);
  }
  return stdout + stderr;
}

test("records at a terminal", async () => {
  const output = await run("terminal");
  assert.match(
    output,
    /^\d\d:\d\d:\d\d\.\d{3} {2}INFO {3}ballast\.shop {20}order received .* order=4711 items=3 /m,
  );
  assert.match(
    output,
    /WARN .* ms {2}payment\.charge failed: no answer from https:\/\/shop:\[redacted\]@pay\.internal/,
  );
  assert.match(output, /^ +╰ caused by Error ECONNREFUSED: connect ECONNREFUSED 10\.0\.0\.7:443$/m);
  assert.match(output, /miss for article 0, and 997 more like it within 10 s/);
  assert.match(output, /payeeIban=\[redacted\]/);
  // Not a terminal: no colours.
  assert.ok(!output.includes("\u001b"));
});

test("records as lines of JSON", async () => {
  const records = (await run("json")).trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(records.map(({ level }) => level).sort(), ["error", "info", "warn", "warn"]);
  assert.ok(records.every(({ traceId }) => traceId === "4bf92f3577b34da6a3ce929d0e0e4736"));
  const failed = records.find(({ event }) => event === "payment.charge");
  assert.equal(failed.error.cause.code, "ECONNREFUSED");
  assert.ok(failed.durationMs >= 20);
  assert.deepEqual(failed.fields, { provider: "pay.internal", attempt: 1 });
});

test("records through LogTape, with the program's own", async () => {
  const output = await run("logtape");
  assert.match(output, /^INFO {3}app\.main .* ada opens the shop/m);
  assert.match(output, /^ERROR {2}ballast\.shop .* order not completed/m);
  assert.ok(!output.includes("order received"), "it is below the level of ballast");
  assert.match(output, /a file would have [1-9]\d* bytes/);
});
