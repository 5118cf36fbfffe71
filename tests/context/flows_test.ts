import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createEvents, delay, systemClock } from "@ballast/runtime";
import {
  contexts,
  createContext,
  createKey,
  createRequestContexts,
  currentContext,
  currentTrace,
  withDeadline,
} from "@ballast/runtime/context";
import { simulatedClock } from "@ballast/runtime/testing";
import { Hono } from "hono";
import { serveFetch } from "../support/serve_fetch.ts";

afterEach(() => {
  for (const context of contexts) context.close();
});

const id = createKey<number>("id");
const current = () => currentContext()?.get(id);

/** Every way on that a flow may take; each gives what it finds there. */
const WAYS: Readonly<Record<string, () => Promise<unknown>>> = {
  microtask: () => new Promise((resolve) => queueMicrotask(() => resolve(current()))),
  "promise chain": () => Promise.resolve().then(() => Promise.resolve()).then(current),
  "a thenable": async () => {
    await { then: (resolve: (value: unknown) => void) => resolve(undefined) };
    return current();
  },
  setTimeout: () => new Promise((resolve) => setTimeout(() => resolve(current()), 1)),
  setInterval: () =>
    new Promise((resolve) => {
      const timer = setInterval(() => {
        clearInterval(timer);
        resolve(current());
      }, 1);
    }),
  "the clock, awaited": async () => {
    await delay(1);
    return current();
  },
  "async generator": async () => {
    async function* numbers() {
      for (let i = 0; i < 3; i++) {
        await delay(0);
        yield current();
      }
    }
    const seen = new Set();
    for await (const found of numbers()) seen.add(found);
    return seen.size === 1 ? [...seen][0] : seen;
  },
  "a stream's pull, read within": async () => {
    const source = new ReadableStream({
      async pull(controller) {
        await delay(0);
        controller.enqueue(current());
        controller.close();
      },
    }, { highWaterMark: 0 });
    return (await source.getReader().read()).value;
  },
  "a stream's transform": async () => {
    const source = new ReadableStream({
      start(controller) {
        controller.enqueue(0);
        controller.close();
      },
    });
    const transformed = source.pipeThrough(
      new TransformStream({ transform: (_chunk, controller) => controller.enqueue(current()) }),
    );
    return (await transformed.getReader().read()).value;
  },
  "an event target": () =>
    new Promise((resolve) => {
      const target = new EventTarget();
      target.addEventListener("done", () => resolve(current()));
      target.dispatchEvent(new Event("done"));
    }),
  "a component's events": async () => {
    const events = createEvents<number>();
    const found = new Promise((resolve) => events.subscribe(() => resolve(current())));
    events.emit(1);
    return await found;
  },
  "an abort of its own signal": () =>
    new Promise((resolve) => {
      const child = currentContext()!.child();
      child.signal.addEventListener("abort", () => resolve(current()));
      child.close();
    }),
  "a child": () =>
    currentContext()!.child().run(async () => {
      await delay(0);
      return current();
    }),
  "a deadline": () =>
    withDeadline(10_000, async () => {
      await delay(0);
      return current();
    }),
  "many at once": async () => {
    const seen = await Promise.all([delay(1).then(current), delay(0).then(current), current()]);
    return seen.every((one) => one === seen[0]) ? seen[0] : seen;
  },
};

for (const [way, go] of Object.entries(WAYS)) {
  test(`a context is kept through ${way}, in fifty flows at once`, { timeout: 20_000 }, async () => {
    const service = createContext({ name: "shop" });
    const numbers = Array.from({ length: 50 }, (_, number) => number);
    const seen = await Promise.all(
      numbers.map((number) =>
        service.child({ locals: [id.of(number)] }).run(async () => {
          const found = await go();
          return [found, current()];
        })
      ),
    );
    assert.deepEqual(seen, numbers.map((number) => [number, number]));
    assert.equal(currentContext(), undefined);
  });
}

test("explicit passing needs no storage that follows: 1,000 flows through a context argument", async () => {
  const service = createContext({ name: "shop" });
  const seen = await Promise.all(
    Array.from({ length: 1_000 }, async (_, number) => {
      const request = service.child({ locals: [id.of(number)] });
      await delay(number % 7);
      const part = request.child();
      await delay(0);
      return part.get(id) === number && part.trace!.traceId === request.trace!.traceId;
    }),
  );
  assert.ok(seen.every(Boolean));
});

/** An app that goes a long way for every request, and says what it found at each turn. */
function wanderingApp(service = createContext({ name: "shop" })) {
  const requests = createRequestContexts(service, {
    deadlineMs: 60_000,
    locals: (request) => [id.of(Number(new URL(request.url).searchParams.get("id")))],
  });
  const app = new Hono();
  app.use(requests.middleware());
  app.get("/", async (c) => {
    const own = currentContext()!;
    const found = [current()];
    for (let turn = 0; turn < 4; turn++) {
      await (turn % 2 === 0 ? delay(turn) : new Promise((resolve) => setTimeout(resolve, turn)));
      found.push(current());
      own.set("turn", turn);
      assert.equal(currentContext()!.get("turn"), turn);
    }
    found.push(await withDeadline(30_000, (context) => context.signal.aborted ? undefined : current()));
    return c.json({ found: [...new Set(found)], trace: currentTrace()!.traceId });
  });
  return { service, app };
}

test(
  "10,000 requests at once, each with locals of its own: none sees another's",
  { timeout: 60_000 },
  async () => {
    const before = systemClock.pending;
    const { service, app } = wanderingApp();
    const numbers = Array.from({ length: 10_000 }, (_, number) => number);
    const responses = numbers.map(async (number) => {
      const response = await app.request(`/?id=${number}`);
      return await response.json() as { found: number[]; trace: string };
    });
    assert.equal(service.snapshot().tasksOpen, 10_000);
    const answers = await Promise.all(responses);
    assert.deepEqual(answers.map(({ found }) => found), numbers.map((number) => [number]));
    assert.equal(new Set(answers.map(({ trace }) => trace)).size, 10_000);
    assert.deepEqual([service.snapshot().open, service.snapshot().deadlines, service.snapshot().tasksOpen], [
      0,
      0,
      0,
    ]);
    assert.equal(systemClock.pending, before);
  },
);

test("1,000 requests over real sockets see their own context alone", { timeout: 60_000 }, async () => {
  const { service, app } = wanderingApp();
  const server = await serveFetch((request) => app.fetch(request));
  try {
    for (let round = 0; round < 5; round++) {
      const numbers = Array.from({ length: 200 }, (_, i) => round * 200 + i);
      const found = await Promise.all(numbers.map(async (number) => {
        const response = await fetch(`${server.url}/?id=${number}`);
        return (await response.json() as { found: number[] }).found;
      }));
      assert.deepEqual(found, numbers.map((number) => [number]));
    }
    assert.equal(service.snapshot().open, 0);
  } finally {
    await server.close();
  }
});

test("56,000 requests leave memory and timers as they were", { timeout: 60_000 }, async (t) => {
  const collect = garbageCollector();
  if (collect === undefined) return t.skip("the garbage collector is out of reach on this runtime");
  const clock = simulatedClock();
  const service = createContext({ name: "shop", clock });
  const requests = createRequestContexts(service, { deadlineMs: 1_000 });
  const handler = requests.wrap(() => {
    const { signal } = currentContext()!;
    currentTrace();
    return new Response(signal.aborted ? "late" : "hello");
  });
  const request = new Request("http://shop.example/");
  const round = async () => {
    for (let i = 0; i < 8_000; i++) await (await handler(request)).body?.cancel();
    collect();
    collect();
    return heapUsed();
  };
  // What engines compile and remember on the way comes first.
  for (let i = 0; i < 3; i++) await round();
  const first = await round();
  for (let i = 0; i < 2; i++) await round();
  const last = await round();
  // 24,000 requests in between: 20 bytes left behind by each would show.
  assert.ok(last - first < 480_000, `${last - first} bytes more`);
  assert.deepEqual([service.snapshot().open, clock.pending], [0, 0]);
});

function heapUsed(): number {
  return (globalThis as unknown as { process: { memoryUsage(): { heapUsed: number } } }).process.memoryUsage()
    .heapUsed;
}

function garbageCollector(): (() => void) | undefined {
  try {
    setFlagsFromString("--expose-gc");
    return runInNewContext("gc") as () => void;
  } catch {
    return undefined;
  }
}
