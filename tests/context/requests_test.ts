import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { abortable, delay } from "@ballast/runtime";
import {
  type Context,
  contexts,
  createContext,
  createKey,
  createRequestContexts,
  currentContext,
  type RequestContextOptions,
  requestMethod,
  requestRoute,
} from "@ballast/runtime/context";
import { simulatedClock } from "@ballast/runtime/testing";
import { Hono } from "hono";
import { stream, streamSSE } from "hono/streaming";
import { serveFetch } from "../support/serve_fetch.ts";

afterEach(() => {
  for (const context of contexts) context.close();
});

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const traceparent = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

/** An app whose requests have contexts, in simulated time, and the last of those contexts. */
function setUp(options?: RequestContextOptions) {
  const clock = simulatedClock();
  const service = createContext({ name: "shop", clock });
  const requests = createRequestContexts(service, options);
  const app = new Hono();
  app.use(requests.middleware());
  const seen: Context[] = [];
  app.use(async (_c, next) => {
    seen.push(currentContext()!);
    await next();
  });
  return { clock, service, requests, app, seen };
}

describe("a request's context", () => {
  it("has the caller's trace and deadline, and knows method and route", async () => {
    const { app, seen, service } = setUp();
    app.get("/orders/:id", (c) => {
      const context = currentContext()!;
      assert.equal(context.get(requestRoute), "/orders/:id");
      assert.equal(context.label, "GET /orders/:id");
      return c.json([context.get(requestMethod), context.trace!.traceId, context.remainingMs]);
    });
    const response = await app.request("/orders/7", { headers: { traceparent, "x-deadline-ms": "250" } });
    assert.deepEqual(await response.json(), ["GET", TRACE_ID, 250]);
    assert.equal(seen[0]!.parent, service);
    assert.equal(seen[0]!.trace!.parentId, "00f067aa0ba902b7");
    assert.equal(service.snapshot().open, 0);
  });

  it("has the service's deadline where the caller states none, and never more than allowed", async () => {
    const deadlines = async (options: RequestContextOptions, header?: string) => {
      const { app, seen } = setUp(options);
      app.get("/", (c) => c.text(""));
      await app.request("/", { headers: header === undefined ? {} : { "x-deadline-ms": header } });
      return seen[0]!.deadline;
    };
    assert.equal(await deadlines({}), undefined);
    assert.equal(await deadlines({}, "500"), 500);
    assert.equal(await deadlines({ deadlineMs: 2_000 }), 2_000);
    assert.equal(await deadlines({ deadlineMs: 2_000 }, "500"), 500);
    assert.equal(await deadlines({ deadlineMs: 2_000 }, "60000"), 2_000);
    assert.equal(await deadlines({ deadlineMs: 2_000, maxDeadlineMs: 10_000 }, "60000"), 10_000);
    assert.equal(await deadlines({ deadlineMs: 2_000, trusted: () => false }, "500"), 2_000);
    assert.equal(await deadlines({}, "soon"), undefined);
    assert.throws(() => createRequestContexts(createContext({ name: "x" }), { deadlineMs: -1 }), RangeError);
  });

  it("takes no trace from whom it does not trust", async () => {
    const { app, seen } = setUp({ trusted: (request) => request.headers.get("x-gateway") === "ours" });
    app.get("/", (c) => c.text(""));
    await app.request("/", { headers: { traceparent } });
    await app.request("/", { headers: { traceparent, "x-gateway": "ours" } });
    assert.notEqual(seen[0]!.trace!.traceId, TRACE_ID);
    assert.equal(seen[1]!.trace!.traceId, TRACE_ID);
  });

  it("has further locals", async () => {
    const tenant = createKey<string>("tenant");
    const { app, seen } = setUp({ locals: (request) => [tenant.of(request.headers.get("x-tenant") ?? "")] });
    app.get("/", (c) => c.text(""));
    await app.request("/", { headers: { "x-tenant": "blue" } });
    assert.equal(seen[0]!.get(tenant), "blue");
  });

  it("past its deadline aborts what minds it, and answers nothing by itself", async () => {
    const { app, clock, service } = setUp({ deadlineMs: 100 });
    app.get("/", async (c) => {
      const { signal } = currentContext()!;
      const ended = await delay(1_000, { clock, signal }).catch((error) => error.code);
      return c.text(`it was ${ended}`);
    });
    const responding = app.request("/");
    await clock.advance(100);
    const response = await responding;
    assert.equal(response.status, 200);
    assert.equal(await response.text(), "it was TIMEOUT");
    assert.deepEqual([service.snapshot().open, service.snapshot().tasksOpen, clock.pending], [0, 0, 0]);
  });

  it("is closed when the handler throws, whoever catches that", async () => {
    const { app, service, requests } = setUp();
    app.get("/", () => {
      throw new TypeError("no");
    });
    app.onError((_error, c) => c.text("sorry", 500));
    assert.equal((await app.request("/")).status, 500);
    const bare = requests.wrap(() => Promise.reject(new RangeError("no")));
    await assert.rejects(
      async () => await bare(new Request("http://shop.example/cart?secret=1")),
      RangeError,
    );
    assert.equal(service.snapshot().open, 0);
    const failed = service.recent("failed requests").latest();
    assert.deepEqual(failed.map(({ key, value }) => [key, (value as { error: string }).error]), [
      ["/cart", "RangeError"],
      ["/", "TypeError"],
    ]);
  });

  it("is closed whatever a handler answers, and whatever the options throw", async () => {
    const fails = () => {
      throw new RangeError("a mistake in an option");
    };
    const { service, requests } = setUp({ route: fails, streams: fails });
    const at = () => new Request("http://shop.example/cart");
    const nothing = requests.wrap(() => Promise.resolve(undefined as unknown as Response));
    await assert.rejects(async () => await nothing(at()), TypeError);
    const well = requests.wrap(() => new Response("well", { status: 500 }));
    assert.equal(await (await well(at())).text(), "well");
    assert.equal(service.snapshot().open, 0);
    assert.deepEqual(service.recent("failed requests").latest().map(({ key }) => key), ["/cart", "/cart"]);
  });

  it("that is slow is kept by its route, with its trace; one that is not, is not", async () => {
    const { app, clock, service } = setUp({ slowMs: 50 });
    app.get("/fast", (c) => c.text(""));
    app.get("/slow/:id", async (c) => {
      await delay(51, { clock });
      return c.text("");
    });
    const slow = app.request("/slow/9", { headers: { traceparent } });
    await app.request("/fast");
    await clock.advance(51);
    await slow;
    const table = service.report().tables!.find(({ title }) => title === "Recent: slow requests")!;
    assert.deepEqual(table.rows.map((row) => row.slice(1)), [
      ["/slow/:id", "GET", 200, { kind: "duration", ms: 51 }, null, TRACE_ID],
    ]);
  });

  it("is listed while it is open", async () => {
    const { app, clock, service } = setUp({ deadlineMs: 100 });
    app.get("/wait/:id", async (c) => {
      await delay(50, { clock });
      return c.text("");
    });
    const waiting = app.request("/wait/1", { headers: { traceparent } });
    await clock.advance(20);
    assert.deepEqual(service.snapshot().tasks, [
      { label: "GET /wait/:id", ageMs: 20, remainingMs: 80, traceId: undefined, children: 0, locals: [] },
    ]);
    await clock.advance(30);
    await waiting;
    assert.deepEqual(service.snapshot().tasks, []);
  });
});

describe("a response that is a stream", () => {
  it("keeps its context open to its end, and is read within it", async () => {
    const { app, service, seen } = setUp();
    const steps = ["one ", "two ", "three"];
    app.get("/", () => {
      const body = new ReadableStream({
        async pull(controller) {
          await Promise.resolve();
          assert.equal(currentContext(), seen[0]);
          const step = steps.shift();
          if (step === undefined) controller.close();
          else controller.enqueue(new TextEncoder().encode(step));
        },
      });
      return new Response(body, { status: 201, headers: { "x-own": "kept" } });
    });
    const response = await app.request("/");
    assert.deepEqual([response.status, response.headers.get("x-own")], [201, "kept"]);
    assert.equal(service.snapshot().open, 1);
    assert.equal(seen[0]!.signal.aborted, false);
    assert.equal(await response.text(), "one two three");
    assert.equal(service.snapshot().open, 0);
    assert.equal(seen[0]!.signal.aborted, true);
  });

  it("of Hono's helpers works, with every header", async () => {
    const { app, service } = setUp();
    app.get("/sse", (c) =>
      streamSSE(c, async (sse) => {
        await sse.writeSSE({ data: String(currentContext()?.get(requestRoute)) });
        await Promise.resolve();
        await sse.writeSSE({ data: String(currentContext()?.get(requestMethod)) });
      }));
    const response = await app.request("/sse");
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    assert.equal(await response.text(), "data: /sse\n\ndata: GET\n\n");
    assert.equal(service.snapshot().open, 0);
  });

  it("that is cancelled ends its context, and its source", async () => {
    const { app, service, seen } = setUp();
    let reason: unknown;
    app.get("/", () => new Response(new ReadableStream({ cancel: (why) => void (reason = why) })));
    const response = await app.request("/");
    await response.body!.cancel("enough");
    assert.equal(reason, "enough");
    assert.deepEqual([service.snapshot().open, seen[0]!.signal.aborted], [0, true]);
  });

  it("that fails is noted, and fails for its reader", async () => {
    const { app, service } = setUp();
    app.get(
      "/",
      () => new Response(new ReadableStream({ pull: () => Promise.reject(new TypeError("torn")) })),
    );
    const response = await app.request("/");
    await assert.rejects(response.text(), /torn/);
    assert.equal(service.snapshot().open, 0);
    assert.equal(service.recent("failed requests").get("/").length, 1);
  });

  it("is not cut short because it looks like a text, while somebody holds the signal", async () => {
    const { requests, service } = setUp();
    const upstream = (signal: AbortSignal) =>
      new ReadableStream({
        async pull(controller) {
          await abortable(Promise.resolve(), signal);
          controller.enqueue(new TextEncoder().encode("{}"));
          controller.close();
        },
      }, { highWaterMark: 0 });
    const handler = requests.wrap(() =>
      new Response(upstream(currentContext()!.signal), {
        headers: { "content-type": "application/json", "content-length": "2" },
      })
    );
    const response = await handler(new Request("http://shop.example/"));
    assert.equal(service.snapshot().open, 1);
    assert.equal(await response.text(), "{}");
    assert.equal(service.snapshot().open, 0);
  });

  it("is waited for as the option says", async () => {
    const { requests, service } = setUp({ streams: (response) => response.headers.has("x-lines") });
    const lines = (headers: HeadersInit) => requests.wrap(() => new Response("a\nb", { headers }));
    const waited = await lines({ "x-lines": "1" })(new Request("http://shop.example/"));
    assert.equal(service.snapshot().open, 1);
    await waited.text();
    await lines({ "content-type": "text/html" })(new Request("http://shop.example/"));
    assert.equal(service.snapshot().open, 0);
  });

  it("has no body to wait for in the answer to a HEAD, or with status 204", async () => {
    const { app, requests, service } = setUp();
    app.get("/", () => new Response(new ReadableStream()));
    app.delete("/", () => new Response(null, { status: 204 }));
    await app.request("/", { method: "HEAD" });
    await app.request("/", { method: "DELETE" });
    const head = new Request("http://shop.example/", { method: "HEAD" });
    await requests.wrap(() => new Response(new ReadableStream()))(head);
    assert.equal(service.snapshot().open, 0);
  });
});

describe("over a real socket", () => {
  it("the response of a text is the very one that the handler made", async () => {
    const service = createContext({ name: "shop" });
    const made = new Response("hello");
    const handler = createRequestContexts(service).wrap(() => made);
    assert.equal(await handler(new Request("http://shop.example/")), made);
  });

  it(
    "a client that leaves ends what is done for it: signal, stream, timers",
    { timeout: 10_000 },
    async () => {
      const service = createContext({ name: "shop" });
      const requests = createRequestContexts(service, { deadlineMs: 60_000 });
      const app = new Hono();
      app.use(requests.middleware());
      let gone = (_reason: unknown): void => {};
      const left = new Promise((resolve) => gone = resolve);
      app.get("/work", async (c) => {
        const { signal } = currentContext()!;
        await delay(60_000, { signal }).catch(gone);
        return c.text("nobody reads this");
      });
      app.get("/stream", (c) =>
        stream(c, async (out) => {
          await out.write("first");
          await delay(60_000, { signal: currentContext()!.signal }).catch(() => {});
        }));
      const server = await serveFetch((request) => app.fetch(request));
      try {
        const client = new AbortController();
        const asked = fetch(`${server.url}/work`, { signal: client.signal });
        await until(() => service.snapshot().open === 1);
        client.abort();
        await assert.rejects(asked);
        assert.equal((await left as Error).name, "AbortError");
        const reader = (await fetch(`${server.url}/stream`)).body!.getReader();
        assert.equal(new TextDecoder().decode((await reader.read()).value), "first");
        await reader.cancel();
        await until(() => service.snapshot().open === 0);
      } finally {
        await server.close();
      }
    },
  );
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries++) await delay(10);
  assert.ok(holds());
}
