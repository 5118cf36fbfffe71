/** Overload to look at: a page that computes, and more requests for it than can be answered. */

import type { Context, Hono } from "hono";

/** What a request for `/work` computes: the service does 200 of them a second, at most. */
const WORK_MS = 5;
const CAPACITY = 1_000 / WORK_MS;
const MAX_TIMES = 10;
const MAX_SECONDS = 60;
/** Requests of the load under way at a time. */
const MAX_OPEN = 500;

/** Load that can be stopped. */
export interface Load {
  stop(): void;
}

/** Adds `GET /work`, and `POST /chaos/load?times=3&seconds=10`, which asks for it three times as often as it can be done. */
export function addLoad(app: Hono): Load {
  let stop = () => {};
  app.get("/work", (context) => {
    compute(WORK_MS);
    return context.json({ computedMs: WORK_MS });
  });
  app.post("/chaos/load", (context) => {
    const { origin } = new URL(context.req.url);
    const from = context.req.header("origin");
    if (from !== undefined && from !== origin) {
      return context.json({ error: `no page of ${from} may do that` }, 403);
    }
    const times = numberOf(context, "times", 3, MAX_TIMES);
    const seconds = numberOf(context, "seconds", 10, MAX_SECONDS);
    if (times === undefined || seconds === undefined) {
      return context.json(
        { error: `times must be a number from 0 to ${MAX_TIMES}, seconds one from 0 to ${MAX_SECONDS}` },
        400,
      );
    }
    stop();
    stop = startLoad(`${origin}/work`, times * CAPACITY, seconds * 1_000);
    return context.json({ perSecond: times * CAPACITY, capacity: CAPACITY, seconds });
  });
  return { stop: () => stop() };
}

/** Holds the event loop, as parsing or rendering does. */
function compute(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** Sends requests at a steady rate, whatever becomes of those before. Returns what ends that. */
function startLoad(url: string, perSecond: number, ms: number): () => void {
  const controller = new AbortController();
  const startedAt = performance.now();
  let [sent, open] = [0, 0];
  async function ask(): Promise<void> {
    open++;
    try {
      const response = await fetch(url, { signal: controller.signal });
      await response.body?.cancel();
    } catch {
      // The service counts what it refuses itself.
    } finally {
      open--;
    }
  }
  const timer = setInterval(() => {
    const now = performance.now() - startedAt;
    for (const due = Math.min(now, ms) * perSecond / 1_000; sent < due; sent++) {
      if (open < MAX_OPEN) void ask();
    }
    if (now >= ms) clearInterval(timer);
  }, 10);
  return () => {
    clearInterval(timer);
    controller.abort();
  };
}

function numberOf(context: Context, name: string, otherwise: number, max: number): number | undefined {
  const text = context.req.query(name);
  const value = text === undefined ? otherwise : Number(text);
  return text !== "" && value >= 0 && value <= max ? value : undefined;
}
