import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { delay } from "@ballast/runtime";
import { createContext, createRequestContexts } from "@ballast/runtime/context";
import { createLog } from "@ballast/runtime/log";
import { createShedder, type ShedderOptions } from "@ballast/runtime/overload";
import { simulatedClock } from "@ballast/runtime/testing";
import { Hono } from "hono";
import { serveFetch } from "../support/serve_fetch.ts";

const at = (path: string, headers: Record<string, string> = {}) =>
  new Request(`http://shop.example${path}`, { headers });

function setUp(options: ShedderOptions = {}) {
  const clock = simulatedClock();
  const shedder = createShedder({ clock, ...options });
  const app = new Hono();
  app.use(shedder.middleware());
  return { clock, shedder, app };
}

/** A handler that answers when it is told to. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => open = resolve);
  return { open, opened };
}

describe("a shedder", () => {
  it("lets Hono's handlers answer, and counts what they threw", async () => {
    const { app, shedder } = setUp();
    app.get("/", (c) => c.text("hello", 200, { "x-own": "kept" }));
    app.get("/throws", () => {
      throw new Error("no");
    });
    app.onError((_error, c) => c.text("sorry", 500));
    const outcomes: string[] = [];
    shedder.events.subscribe((event) => event.type === "done" && outcomes.push(event.outcome));
    const response = await app.request("/");
    assert.deepEqual([response.status, response.headers.get("x-own"), await response.text()], [
      200,
      "kept",
      "hello",
    ]);
    assert.equal((await app.request("/throws")).status, 500);
    assert.equal((await app.request("/nowhere")).status, 404);
    assert.deepEqual(outcomes, ["success", "failure", "success"]);
    assert.equal(shedder.snapshot().inFlight, 0);
  });

  it("passes on what a bare handler throws, and what follows the request", async () => {
    const { shedder } = setUp();
    const handler = shedder.wrap((request: Request, info: { port: number }) => {
      if (info.port === 0) throw new RangeError("no port");
      return Promise.resolve(new Response(`${new URL(request.url).pathname} ${info.port}`));
    });
    assert.equal(await (await handler(at("/cart"), { port: 8888 })).text(), "/cart 8888");
    await assert.rejects(async () => await handler(at("/"), { port: 0 }), RangeError);
    assert.equal(shedder.snapshot().inFlight, 0);
  });

  it("takes back its place from a handler that answers with no response, or with a promise of another make", async () => {
    const { shedder } = setUp();
    const nothing = shedder.wrap(() => Promise.resolve(undefined as unknown as Response));
    for (let i = 0; i < 3; i++) await assert.rejects(async () => await nothing(at("/")), TypeError);
    assert.equal(shedder.snapshot().inFlight, 0);
    const foreign = { then: (done: (response: Response) => void) => void done(new Response("hello")) };
    const other = shedder.wrap(() => foreign as unknown as Promise<Response>);
    assert.equal(await (await other(at("/"))).text(), "hello");
    assert.equal(shedder.snapshot().inFlight, 0);
  });

  it("refuses with 503 and Retry-After what waited too long", async () => {
    const { clock, shedder } = setUp({ limit: 1, retryAfterMs: 3_000 });
    const { open, opened } = gate();
    const handler = shedder.wrap(async () => {
      await opened;
      return new Response("done");
    });
    const running = handler(at("/"));
    const waiting = handler(at("/"));
    await clock.advance(110);
    const refused = await waiting;
    assert.equal(refused.status, 503);
    const retryAfter = Number(refused.headers.get("retry-after"));
    assert.ok(retryAfter >= 3 && retryAfter <= 6);
    assert.match(await refused.text(), /try again later/);
    open();
    assert.equal(await (await running).text(), "done");
  });

  it("answers 504 when the deadline has passed: that of the header, or of the running context", async () => {
    const { clock, shedder, app } = setUp();
    const handler = shedder.wrap(() => new Response("done"));
    const late = await handler(at("/", { "x-deadline-ms": "0" }));
    assert.deepEqual([late.status, late.headers.get("retry-after")], [504, null]);
    assert.equal((await handler(at("/", { "x-deadline-ms": "10" }))).status, 200);

    const service = createContext({ name: "shop", clock });
    const request = service.child({ deadlineMs: 50 });
    await clock.advance(50);
    assert.equal((await request.run(() => handler(at("/")))).status, 504);

    app.get("/", (c) => c.text("hello"));
    const outer = new Hono();
    outer.use(createRequestContexts(service, { deadlineMs: 100 }).middleware());
    outer.route("/", app);
    assert.equal((await outer.request("/")).status, 200);
    assert.equal((await outer.request("/", { headers: { "x-deadline-ms": "0" } })).status, 504);
    service.close();
  });

  it("never refuses what is exempt, even closed", async () => {
    const { shedder, app } = setUp({ exempt: ["/livez", "/meta/*"] });
    app.get("*", (c) => c.text("well"));
    shedder.close();
    const statuses = async (...paths: string[]) =>
      await Promise.all(paths.map(async (path) => (await app.request(path)).status));
    assert.deepEqual(
      await statuses("/livez", "/livez?verbose", "/meta", "/meta/dns"),
      [200, 200, 200, 200],
    );
    assert.deepEqual(await statuses("/", "/livez/more", "/metaphor"), [503, 503, 503]);
    const wrapped = shedder.wrap(() => new Response("well"));
    assert.equal((await wrapped(at("/livez?verbose"))).status, 200);
    assert.equal(shedder.snapshot().exempt, 5);
  });

  it("takes priority and client from headers or functions, and minds nothing that those throw", async () => {
    const decided = async (options: ShedderOptions, headers: Record<string, string>) => {
      const { shedder } = setUp(options);
      await shedder.wrap(() => new Response(""))(at("/", headers));
      const { admitted, clients } = shedder.snapshot();
      return [admitted.find(({ count }) => count > 0)!.priority, clients[0]?.client];
    };
    const headers = { "x-priority": "critical", "x-client": "blue" };
    assert.deepEqual(await decided({}, headers), ["normal", undefined]);
    assert.deepEqual(await decided({ priority: "x-priority", client: "x-client" }, headers), [
      "critical",
      "blue",
    ]);
    assert.deepEqual(await decided({ priority: "x-priority" }, { "x-priority": "urgent" }), [
      "normal",
      undefined,
    ]);
    assert.deepEqual(
      await decided({ priority: () => "sheddable", client: ({ url }) => url.slice(0, 11) }, {}),
      ["sheddable", "http://shop"],
    );
    const broken = () => {
      throw new Error("no");
    };
    assert.deepEqual(await decided({ priority: broken, client: broken, exempt: broken }, {}), [
      "normal",
      undefined,
    ]);
    assert.throws(
      () => createShedder({ priority: 7 as unknown as string }),
      /priority must be the name of a header/,
    );
    assert.throws(
      () => createShedder({ exempt: "/livez" as unknown as string[] }),
      /exempt must be a list of paths/,
    );
  });

  it("says in its report what is wrong, and in the log when that began and ended", async () => {
    const clock = simulatedClock();
    const log = createLog({ clock });
    const { shedder } = setUp({ clock, log, limit: { initial: 1, min: 1, max: 1 }, client: "x-client" });
    const handler = shedder.wrap(async () => {
      await delay(50, { clock });
      return new Response("");
    });
    assert.deepEqual(shedder.report().findings, []);
    const answers: (Response | Promise<Response>)[] = [];
    for (let i = 0; i < 200; i++) {
      answers.push(handler(at("/", { "x-client": i % 10 === 0 ? "small" : "big" })));
      await clock.advance(10);
    }
    const { findings, tables, series } = shedder.report();
    assert.deepEqual(findings!.map(({ id }) => id), ["overload-shedding", "overload-one-client"]);
    assert.match(findings![0]!.evidence, /of 1\d\d in the last minute/);
    assert.match(findings![1]!.evidence, /"big" sent 180 of 200/);
    assert.deepEqual(tables!.map(({ id }) => id), ["refusals", "priorities", "clients"]);
    assert.deepEqual(series!.map(({ id }) => id), ["limit", "in-flight", "waiting", "refused"]);
    await clock.advance(1_000);
    await Promise.all(answers);
    const last = handler(at("/"));
    await clock.advance(100);
    assert.equal((await last).status, 200);
    const messages = log.recent().map(({ message }) => message).reverse();
    assert.equal(messages[0], "server is overloaded");
    assert.ok(messages.includes("server is no longer overloaded"));
    assert.throws(() => shedder.act("restart", {}), { code: "UNKNOWN_ACTION" });
    await clock.advance(120_000);
    assert.deepEqual(shedder.report().findings, []);
  });
});

describe("a shedder behind a real socket", () => {
  it("answers or refuses every request exactly once, with handlers that hold the event loop", {
    timeout: 30_000,
  }, async () => {
    const shedder = createShedder();
    const app = new Hono();
    app.use(shedder.middleware());
    app.get("/livez", (c) => c.text("alive"));
    app.get("/compute", (c) => {
      const until = performance.now() + 5;
      while (performance.now() < until);
      return c.text("done");
    });
    const server = await serveFetch((request) => app.fetch(request));
    try {
      const answers = await Promise.all(
        Array.from({ length: 200 }, async (_, i) => {
          const response = await fetch(`${server.url}/${i % 20 === 0 ? "livez" : "compute"}`);
          return [response.status, await response.text()] as const;
        }),
      );
      const count = (wanted: string) => answers.filter(([, text]) => text.startsWith(wanted)).length;
      assert.equal(count("alive"), 10);
      assert.equal(count("done") + count("Overloaded"), 190);
      assert.ok(count("done") >= 1);
      const { admitted, refused, inFlight, waiting } = shedder.snapshot();
      assert.deepEqual([inFlight, waiting], [0, 0]);
      assert.equal(admitted[1]!.count, count("done"));
      assert.equal(refused.reduce((sum, one) => sum + one.count, 0), count("Overloaded"));
    } finally {
      await server.close();
    }
  });

  it("lets go of a client that leaves while it waits, and refuses the rest when it is closed", {
    timeout: 30_000,
  }, async () => {
    const shedder = createShedder({
      limit: 1,
      watchClients: true,
      queue: { maxWaitMs: 20_000, targetMs: 20_000 },
    });
    const { open, opened } = gate();
    const handler = shedder.wrap(async () => {
      await opened;
      return new Response("done");
    });
    const server = await serveFetch(handler);
    try {
      const running = fetch(server.url);
      await until(() => shedder.snapshot().inFlight === 1);
      const client = new AbortController();
      const leaving = assert.rejects(fetch(server.url, { signal: client.signal }));
      const waiting = fetch(server.url);
      await until(() => shedder.snapshot().waiting === 2);
      client.abort();
      await leaving;
      await until(() => shedder.snapshot().waiting === 1);
      assert.deepEqual(shedder.snapshot().refused, [{ reason: "cancelled", priority: "normal", count: 1 }]);
      shedder.close();
      const refused = await waiting;
      assert.deepEqual([refused.status, await refused.text()], [
        503,
        "The service is closing: try another one.\n",
      ]);
      open();
      assert.equal(await (await running).text(), "done");
      assert.equal(shedder.snapshot().inFlight, 0);
    } finally {
      await server.close();
    }
  });
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries++) await delay(10);
  assert.ok(holds());
}
