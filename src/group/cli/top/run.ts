/**
 * Runs `top`: looks at the service on an interval and draws what it saw, until somebody has seen enough.
 *
 * @module
 */

import { systemClock, type Timer } from "../../../clock.ts";
import { errorMessage } from "../../../errors.ts";
import type { Shell } from "../../../platform/shell.ts";
import { delay } from "../../../signal.ts";
import { createMetaClient } from "./client.ts";
import { frameLines, maxScroll, pageLines, viewRows } from "./frame.ts";
import { paint } from "./line.ts";
import { createPoller, type Poller } from "./poll.ts";
import { openScreen } from "./screen.ts";
import { initialState, missed, press, seen, type TopState } from "./state.ts";

/** What the command line says. */
export interface TopOptions {
  readonly url: URL;
  readonly token?: string | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly mode: "live" | "once" | "json";
}

/** Runs it to its end; gives the exit code. */
export async function runTop(options: TopOptions, shell: Shell): Promise<number> {
  const clock = systemClock;
  const client = createMetaClient({ ...options, clock });
  const poller = createPoller(client, clock);
  const state = initialState(client.url, options.intervalMs, clock.now());
  return options.mode === "live"
    ? await live(state, poller, shell)
    : await once(state, poller, options, shell);
}

/** Two looks, for rates need two. */
const BETWEEN_MS = 1_000;
/** What is written to a file is that wide. */
const PAGE_COLUMNS = 100;

async function once(
  initial: TopState,
  poller: Poller,
  { mode, url }: TopOptions,
  shell: Shell,
): Promise<number> {
  const { signal } = new AbortController();
  let state = initial;
  try {
    state = seen(state, await poller.poll([], signal));
    await delay(BETWEEN_MS);
    state = seen(state, await poller.poll([], signal));
  } catch (error) {
    throw new Error(`${url.origin}: ${errorMessage(error)}`);
  }
  const { stdout } = shell;
  if (mode === "json") {
    const { at, tookMs, outline, reports, latency } = state.sample!;
    const figures = state.history.at(-1);
    const page = {
      url: state.url,
      at,
      tookMs,
      figures,
      latency,
      overview: outline,
      reports: Object.fromEntries(reports),
    };
    stdout.write(`${JSON.stringify(page, undefined, 2)}\n`);
  } else {
    const lines = pageLines(state, stdout.size()?.columns ?? PAGE_COLUMNS);
    stdout.write(lines.map((line) => `${paint(line, stdout.colors).trimEnd()}\n`).join(""));
  }
  return 0;
}

/** The state's clock goes on between two looks, so that "since 12 s" counts. */
const TICK_MS = 1_000;

async function live(initial: TopState, poller: Poller, shell: Shell): Promise<number> {
  if (!shell.stdin.isTerminal || !shell.stdout.isTerminal) {
    throw new Error("the live view needs a terminal: use --once or --json");
  }
  const clock = systemClock;
  const end = new AbortController();
  let state = initial;
  let timer: Timer | undefined;
  let looking: Promise<void> | undefined;
  let isAskedAgain = false;

  const draw = () => {
    const size = screen.size();
    // Where the view has become shorter, so has the way back.
    state = { ...state, scroll: Math.min(state.scroll, maxScroll(state, size)) };
    screen.draw(frameLines(state, size));
  };
  const screen = openScreen(shell, {
    onRedraw: draw,
    onKey(key) {
      const [next, effect] = press(state, key, viewRows(screen.size()));
      state = next;
      if (effect === "quit") return end.abort();
      if (effect === "suspend") return screen.suspend();
      draw();
      if (effect === "look") look();
    },
  });

  /** One look at a time; who asks meanwhile gets one more after it. */
  function look(): void {
    if (looking !== undefined) return void (isAskedAgain = true);
    timer?.cancel();
    looking = lookNow().finally(() => {
      looking = undefined;
      if (end.signal.aborted) return;
      if (isAskedAgain) {
        isAskedAgain = false;
        return look();
      }
      timer = clock.schedule(state.intervalMs, () => state.isPaused ? undefined : look(), {
        keepAlive: true,
      });
    });
  }

  async function lookNow(): Promise<void> {
    try {
      const sample = await poller.poll(state.view === "" ? [] : [state.view], end.signal);
      state = seen(state, sample);
    } catch (error) {
      if (end.signal.aborted) return;
      state = missed(state, errorMessage(error), clock.now());
    }
    draw();
  }

  let ticker: Timer | undefined;
  const tick = () => {
    ticker = clock.schedule(TICK_MS, tick);
    if (state.isPaused) return;
    state = { ...state, now: clock.now() };
    draw();
  };

  const undo = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((name) =>
    shell.onSignal(name, () => end.abort())
  );
  try {
    draw();
    look();
    tick();
    await aborted(end.signal);
  } finally {
    timer?.cancel();
    ticker?.cancel();
    screen.close();
    for (const each of undo) each();
  }
  return 0;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
