/** The monitor on the real clock: the loop is blocked for real, for that is the subject. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";

import { delay, detectPlatform } from "@ballast/runtime";
import { createMonitor, type Monitor, type Pause } from "@ballast/runtime/stats";

const platform = detectPlatform();
const watcher = platform.monitor?.stacks;

/** What blocks: its name is to be found. */
function grindTheCoffee(ms: number): number {
  const until = performance.now() + ms;
  let turns = 0;
  while (performance.now() < until) turns++;
  return turns;
}

/** Waits until `seen` gives something, for five seconds at most. */
async function eventually<T>(seen: () => T | undefined): Promise<T> {
  for (let round = 0; round < 250; round++) {
    const value = seen();
    if (value !== undefined) return value;
    await delay(20);
  }
  assert.fail("it did not come within five seconds");
}

/**
 * Blocks the loop until a pause of that is known with its stack, at most ten times: a thread takes a while to start, and on a busy
 * machine it may come too late to see who blocked.
 */
async function pauseWithStack(
  monitor: Monitor,
  block: () => unknown,
): Promise<Required<Omit<Pause, "note">>> {
  for (let attempt = 0; attempt < 10; attempt++) {
    await delay(200);
    const before = monitor.snapshot().pauses.count;
    block();
    await delay(150);
    const { count, recent } = monitor.snapshot().pauses;
    const told = recent.slice(0, count - before).find(({ stack }) => stack !== undefined);
    if (told?.stack) return { ...told, stack: told.stack };
  }
  assert.fail("no pause has a stack after ten attempts");
}

const pauseOf = (monitor: Monitor, atLeastMs: number) =>
  monitor.snapshot().pauses.recent.find(({ blockedMs }) => blockedMs >= atLeastMs);

test("a loop that is blocked for 150 ms has a pause, and what it took is bounded from both sides", async () => {
  await using monitor = createMonitor({ intervalMs: 20, pauseMs: 60, stacks: "off" });
  await delay(60);
  monitor.note("coffee");
  const startedAt = performance.now();
  grindTheCoffee(150);
  const tookMs = performance.now() - startedAt;
  const pause = await eventually(() => pauseOf(monitor, 125));
  assert.ok(pause.blockedMs >= 125, `${pause.blockedMs}`);
  assert.ok(pause.atMostMs >= tookMs, `${pause.atMostMs} of ${tookMs}`);
  assert.equal(pause.note, "coffee");
  assert.ok(monitor.snapshot().lag.max! >= 125);
});

test("the stack of what blocked names the function, where the platform says that it can", async () => {
  const capability = platform.capabilities.find(({ name }) => name === "pause stacks")!;
  assert.equal(capability.supported, watcher !== undefined);
  await using monitor = createMonitor({ intervalMs: 20, pauseMs: 60, stacks: "on" });
  if (watcher === undefined) {
    assert.equal(monitor.snapshot().stacks.method, "none");
    assert.notEqual(monitor.snapshot().stacks.reason, undefined);
  } else {
    assert.deepEqual(monitor.snapshot().stacks, {
      method: watcher.method,
      mode: "on",
      watching: true,
      reason: undefined,
    });
  }
  if (watcher === undefined) {
    grindTheCoffee(150);
    assert.equal((await eventually(() => pauseOf(monitor, 120))).stack, undefined);
    return;
  }
  const { stack } = await pauseWithStack(monitor, () => grindTheCoffee(150));
  assert.ok(
    stack.frames.some((frame) => /grindTheCoffee \(.*monitor_pause_test/.test(frame)),
    stack.frames.join("\n"),
  );
  assert.ok(stack.samples >= 1 && stack.samples <= stack.of);
  const finding = monitor.report().findings!.find(({ id }) => id === "long-pauses");
  assert.match(finding!.likelyCause, /grindTheCoffee/);
});

test("watching begins with the first pause, and a pause within a pause is none of its own", {
  skip: watcher === undefined && "no way to tell stacks here",
}, async () => {
  await using monitor = createMonitor({ intervalMs: 20, pauseMs: 60, stacks: "after-pause" });
  await delay(60);
  assert.equal(monitor.snapshot().stacks.watching, false);
  grindTheCoffee(120);
  await eventually(() => monitor.snapshot().stacks.watching || undefined);
  const { blockedMs, stack } = await pauseWithStack(monitor, () => {
    // Blocked again from a microtask at the end of a blocked turn: the loop does not come round in between.
    queueMicrotask(() => grindTheCoffee(100));
    grindTheCoffee(100);
  });
  assert.ok(blockedMs >= 170, `${blockedMs}`);
  assert.ok(stack.frames.some((frame) => frame.startsWith("grindTheCoffee")), stack.frames.join("\n"));
});

test("closing right after a pause, and twice, leaves a process that can end", async () => {
  const monitor = createMonitor({ intervalMs: 20, pauseMs: 60, stacks: "on" });
  await delay(30);
  grindTheCoffee(100);
  await Promise.all([monitor.close(), monitor.close()]);
  const { count } = monitor.snapshot().pauses;
  await delay(80);
  assert.equal(monitor.snapshot().pauses.count, count, "nothing is recorded after close()");
  assert.equal(monitor.snapshot().stacks.watching, false);
});

const entry = import.meta.resolve("@ballast/runtime/stats");

/** Runs a program in a process of its own; it has ten seconds. */
function run(
  program: string,
  flags: readonly string[] = [],
): Promise<{ code: number | null; output: string }> {
  const args = platform.name === "deno"
    ? [
      "run",
      "--quiet",
      "--allow-all",
      ...flags,
      `data:application/typescript,${encodeURIComponent(program)}`,
    ]
    : [...flags, "--input-type=module", "--eval", program];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk) => output += chunk);
  child.stderr.on("data", (chunk) => output += chunk);
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  return new Promise((resolve) =>
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    })
  );
}

const GRIND =
  "const grind = (ms) => { const until = performance.now() + ms; while (performance.now() < until); };";

test("neither the monitor nor its watch keeps a process alive", async () => {
  const { code, output } = await run(`
    import { createMonitor } from ${JSON.stringify(entry)};
    createMonitor({ intervalMs: 20, pauseMs: 60, stacks: "on" });
    ${GRIND} setTimeout(() => { grind(200); console.log("done"); }, 400);
  `);
  assert.match(output, /done/);
  assert.equal(code, 0, output);
});

test("a process that ends in the middle of a pause ends with its own code", async () => {
  const { code, output } = await run(`
    import { createMonitor } from ${JSON.stringify(entry)};
    createMonitor({ intervalMs: 20, pauseMs: 60, stacks: "on" });
    ${GRIND} setTimeout(() => { grind(200); process.exit(7); }, 400);
  `);
  assert.equal(code, 7, output);
});

test("where a debugger may be attached the thread is not stopped, and pauses are recorded all the same", {
  skip: watcher?.method !== "watchdog" && "no thread that stops this one",
}, async () => {
  const { code, output } = await run(
    `
    import { createMonitor } from ${JSON.stringify(entry)};
    const monitor = createMonitor({ intervalMs: 20, pauseMs: 60, stacks: "on" });
    ${GRIND} setTimeout(() => grind(300), 700);
    setTimeout(() => {
      const [pause] = monitor.snapshot().pauses.recent;
      console.log(JSON.stringify({ paused: pause.blockedMs >= 250, stack: pause.stack !== undefined }));
    }, 1300);
    setTimeout(() => {}, 1400);
  `,
    ["--inspect=127.0.0.1:0"],
  );
  assert.equal(code, 0, output);
  assert.match(output, /\{"paused":true,"stack":false\}/);
});
