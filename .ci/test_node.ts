/**
 * Runs the tests against the packed package, installed by npm in an empty folder: `deno task test:node [version...]`, on
 * Node 20 unless told otherwise; `20 22 24 bun` is all of them.
 *
 * @module
 */

import { findRuntime, type NpmRuntime } from "./pack_runtimes.ts";
import { prepareSuite, type Suite } from "./pack_suite.ts";

/** No file of tests takes longer, and no runtime. */
const FILE_TIMEOUT_MS = 300_000;
const RUNTIME_TIMEOUT_MS = 600_000;
/** How long a program may take to end by itself. */
const PROGRAM_TIMEOUT_MS = 20_000;

/** Tests that cannot hold on Bun, by how their names begin, and why. They count as skipped. */
const NOT_ON_BUN: Readonly<Record<string, string>> = {
  "undici connects through it": "Bun puts its own fetch in the place of undici, and that takes no lookup",
  "node: names held are given up once confirmed when the name server":
    "Bun's resolver keeps answers itself for as long as their TTL says, and asks nobody meanwhile",
  "node: a dead server of two costs one lookup an attempt":
    "Bun says ENOTFOUND of a name that only lacks the record",
  "node: names held are served while the name server loses every first try":
    "Bun's resolver tries again itself",
  "a server that came from elsewhere is listened on": "Bun listens on no server that another one has opened",
  "what a listener throws, or asks of the cache, does no harm":
    "Bun fails a test for what is thrown outside of it, whoever listens",
};

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

async function main(wanted: readonly string[]): Promise<boolean> {
  const folder = await Deno.makeTempDir({ prefix: "ballast-node-" });
  try {
    const suite = await prepareSuite(folder);
    let passed = 0;
    let failed = 0;
    let skipped = 0;
    for (const version of wanted) {
      const runtime = await findRuntime(version, `${folder}/runtime-${version}`);
      const counts = await runOn(runtime, suite, folder);
      console.log(
        `${runtime.label}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`,
      );
      passed += counts.passed;
      failed += counts.failed;
      skipped += counts.skipped;
    }
    console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
    return failed === 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runOn(runtime: NpmRuntime, suite: Suite, folder: string): Promise<Counts> {
  const tests = await run(runtime.command, testArguments(runtime, suite), folder, RUNTIME_TIMEOUT_MS);
  let { passed, failed, skipped } = runtime.kind === "bun" ? bunCounts(tests) : nodeCounts(tests);
  if (failed > 0) console.error(failures(tests.output));

  for (const program of suite.programs) {
    const ended = await run(runtime.command, [program], folder, PROGRAM_TIMEOUT_MS);
    if (ended.code === 0) {
      passed++;
    } else {
      failed++;
      console.error(`${program} ended with code ${ended.code}\n${ended.output}`);
    }
  }
  return { passed, failed, skipped };
}

function testArguments({ kind }: NpmRuntime, { tests }: Suite): string[] {
  if (kind === "bun") {
    return ["test", "--only-failures", `--timeout=${FILE_TIMEOUT_MS}`, ...tests.map((path) => `./${path}`)];
  }
  return [
    "--enable-source-maps",
    "--test",
    "--test-concurrency=2",
    `--test-timeout=${FILE_TIMEOUT_MS}`,
    "--test-reporter=spec",
    ...tests,
  ];
}

/** By the last lines: `ℹ pass 12`. A runner that failed without a failed test has failed itself. */
function nodeCounts({ code, output }: Ended): Counts {
  const count = (word: string) => Number(new RegExp(`^ℹ ${word} (\\d+)$`, "m").exec(output)?.[1] ?? 0);
  const failed = count("fail") + count("cancelled");
  return {
    passed: count("pass"),
    failed: code === 0 ? failed : Math.max(1, failed),
    skipped: count("skipped") + count("todo"),
  };
}

/** By the last lines: ` 12 pass`. */
function bunCounts({ code, output }: Ended): Counts {
  const count = (word: string) => Number(new RegExp(`^ *(\\d+) ${word}$`, "m").exec(output)?.[1] ?? 0);
  const known =
    [...output.matchAll(/^\(fail\) (.*)$/gm)].filter(([, title]) =>
      Object.keys(NOT_ON_BUN).some((name) => title!.startsWith(name))
    ).length;
  const failed = count("fail");
  return {
    passed: count("pass"),
    failed: code === 0 || failed > 0 ? failed - known : 1,
    skipped: count("skip") + count("todo") + known,
  };
}

/** From where Node tells the failures again; Bun, asked for failures only, says nothing else. */
function failures(output: string): string {
  return output.slice(Math.max(0, output.indexOf("✖ failing tests:")));
}

interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Runs a command to its end, or to the end of its time: code 124, as `timeout` has it. */
async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  timeoutMs: number,
): Promise<Ended> {
  const child = new Deno.Command(command, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return late ? { code: 124, output: `${output}\nstill running after ${timeoutMs} ms` } : { code, output };
}

try {
  if (!await main(Deno.args.length > 0 ? Deno.args : ["20"])) Deno.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exitCode = 1;
}
