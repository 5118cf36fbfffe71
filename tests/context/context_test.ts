import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { BallastError, type Clock } from "@ballast/runtime";
import { contexts, createContext, createKey, currentContext, withDeadline } from "@ballast/runtime/context";
import { createLog } from "@ballast/runtime/log";
import { createStats } from "@ballast/runtime/stats";
import { simulatedClock } from "@ballast/runtime/testing";
import { Lifetime } from "../../src/context/lifetime.ts";

afterEach(() => {
  for (const context of contexts) context.close();
});

describe("a context", () => {
  it("has the statistics and the log it was given", () => {
    const stats = createStats();
    const log = createLog();
    const context = createContext({ name: "shop", stats, log });
    assert.equal(context.stats, stats);
    assert.equal(context.log, log);
    assert.deepEqual([context.child().stats, context.child().log], [stats, log]);
  });

  it("makes its own when it was given none, the log timing into the statistics", () => {
    const context = createContext({ name: "shop" });
    context.log.begin("payment").success();
    assert.equal(context.stats.distribution("payment", { labels: { outcome: "success" } }).count, 1);
  });

  it("has a copy of its configuration that nobody changes", () => {
    const config: Record<string, unknown> = { retries: 3 };
    const context = createContext({ name: "shop", config });
    config.retries = 4;
    assert.deepEqual(context.config, { retries: 3 });
    assert.throws(() => (context.config as Record<string, unknown>).retries = 5, TypeError);
    assert.equal(context.child().config, context.config);
  });

  it("refuses a name that is none", () => {
    assert.throws(() => createContext({ name: "" }), /name must be a text of at least one character, got ""/);
    assert.throws(() => createContext({ name: 7 as unknown as string }), TypeError);
  });
});

describe("locals", () => {
  it("are read through to the parent, and written to the child alone", () => {
    const tenant = Symbol("tenant");
    const service = createContext({ name: "shop", locals: { region: "eu", [tenant]: "none" } });
    const request = service.child({ locals: { [tenant]: "blue" } });
    assert.deepEqual([request.get("region"), request.get(tenant)], ["eu", "blue"]);
    request.set("region", "us");
    assert.deepEqual([request.get("region"), service.get("region"), service.get(tenant)], [
      "us",
      "eu",
      "none",
    ]);
  });

  it("of the parent are seen as they are now", () => {
    const service = createContext({ name: "shop" });
    const part = service.child().child();
    service.set("version", 2);
    assert.equal(part.get("version"), 2);
  });

  it("may hide the parent's with undefined", () => {
    const service = createContext({ name: "shop", locals: { user: "ann" } });
    assert.equal(service.child({ locals: { user: undefined } }).get("user"), undefined);
  });

  it("are not those of objects in general", () => {
    assert.equal(createContext({ name: "shop" }).get("constructor"), undefined);
  });
});

describe("a typed key", () => {
  it("gives its default where nobody set it, and what was set nearest", () => {
    const retries = createKey("retries", { default: 3 });
    const service = createContext({ name: "shop" });
    const request = service.child();
    const times: number = request.get(retries);
    assert.equal(times, 3);
    service.set(retries, 5);
    assert.equal(request.get(retries), 5);
    request.set(retries, 0);
    assert.deepEqual([request.get(retries), service.get(retries)], [0, 5]);
  });

  it("is not another of the same name, nor the text", () => {
    const [one, other] = [createKey<string>("tenant"), createKey<string>("tenant")];
    const context = createContext({ name: "shop", locals: [one.of("blue")] });
    assert.deepEqual([context.get(one), context.get(other), context.get("tenant")], [
      "blue",
      undefined,
      undefined,
    ]);
  });

  it("may hide the parent's value behind undefined", () => {
    const user = createKey<string>("user");
    const service = createContext({ name: "shop", locals: [user.of("ann")] });
    assert.equal(service.child({ locals: [user.of(undefined)] }).get(user), undefined);
  });

  it("needs a name", () => {
    assert.throws(() => createKey(""), /a key's name must be a text of at least one character, got ""/);
  });
});

describe("the registry of contexts", () => {
  it("knows the open ones by name, and no children", () => {
    const [shop, billing] = [createContext({ name: "shop" }), createContext({ name: "billing" })];
    shop.child();
    assert.deepEqual(contexts.names(), ["shop", "billing"]);
    assert.equal(contexts.get("billing"), billing);
    assert.deepEqual([...contexts], [shop, billing]);
    shop.close();
    assert.deepEqual(contexts.names(), ["billing"]);
    assert.equal(contexts.get("shop"), undefined);
  });

  it("adds a number to a name that is taken, until it is free again", () => {
    const first = createContext({ name: "shop" });
    const second = createContext({ name: "shop" });
    assert.deepEqual([first.name, second.name, createContext({ name: "shop" }).name], [
      "shop",
      "shop-2",
      "shop-3",
    ]);
    first.close();
    assert.equal(createContext({ name: "shop" }).name, "shop");
  });

  it("is not disturbed by a second close", () => {
    const first = createContext({ name: "shop" });
    first.close();
    const second = createContext({ name: "shop" });
    first.close();
    assert.equal(contexts.get("shop"), second);
  });
});

describe("a deadline", () => {
  it("is the earlier of the parent's and its own", async () => {
    const clock = simulatedClock();
    await clock.advance(1000);
    const service = createContext({ name: "shop", clock });
    assert.equal(service.deadline, undefined);
    const request = service.child({ deadlineMs: 500 });
    assert.equal(request.deadline, 1500);
    assert.equal(request.child({ deadlineMs: 100 }).deadline, 1100);
    assert.equal(request.child({ deadlineMs: 9000 }).deadline, 1500);
    assert.equal(request.child().deadline, 1500);
  });

  it("aborts the signal when it passes, with an error that says so", async () => {
    const clock = simulatedClock();
    const request = createContext({ name: "shop", clock }).child({ deadlineMs: 500 });
    const { signal } = request;
    await clock.advance(499);
    assert.equal(signal.aborted, false);
    await clock.advance(1);
    assert.ok(signal.reason instanceof BallastError);
    assert.equal(signal.reason.code, "TIMEOUT");
    assert.match(signal.reason.message, /the context "shop" took longer than 500 ms/);
  });

  it("of the parent ends the child, and that of the child leaves the parent be", async () => {
    const clock = simulatedClock();
    const request = createContext({ name: "shop", clock }).child({ deadlineMs: 500 });
    const short = request.child({ deadlineMs: 100 });
    const long = request.child({ deadlineMs: 9000 });
    const signals = [short.signal, request.signal, long.signal];
    const aborted = () => signals.map((signal) => signal.aborted);
    await clock.advance(100);
    assert.deepEqual(aborted(), [true, false, false]);
    await clock.advance(400);
    assert.deepEqual(aborted(), [true, true, true]);
  });

  it("holds for a signal that is asked for late, even after it", async () => {
    const clock = simulatedClock();
    const service = createContext({ name: "shop", clock });
    const [late, tooLate] = [service.child({ deadlineMs: 500 }), service.child({ deadlineMs: 100 })];
    await clock.advance(300);
    assert.equal((tooLate.signal.reason as BallastError).code, "TIMEOUT");
    assert.equal(clock.pending, 0);
    const lateSignal = late.signal;
    await clock.advance(199);
    assert.equal(lateSignal.aborted, false);
    await clock.advance(1);
    assert.equal(lateSignal.aborted, true);
  });

  it("has a timer only while somebody holds its signal and it is open", async () => {
    const clock = simulatedClock();
    const service = createContext({ name: "shop", clock });
    const [closed, expired] = [service.child({ deadlineMs: 500 }), service.child({ deadlineMs: 100 })];
    assert.equal(clock.pending, 0);
    assert.equal(closed.signal, closed.signal);
    assert.equal(expired.signal.aborted, false);
    assert.equal(clock.pending, 2);
    closed.close();
    assert.equal(clock.pending, 1);
    await clock.advance(100);
    assert.equal(clock.pending, 0);
  });

  it("must be a number of milliseconds", () => {
    const service = createContext({ name: "shop" });
    assert.throws(() => service.child({ deadlineMs: -1 }), RangeError);
    assert.throws(() => service.child({ deadlineMs: NaN }), /deadlineMs must be a number >= 0, got NaN/);
  });
});

describe("withDeadline()", () => {
  it("gives the child to the function, runs it within, closes it, and passes the result on", async () => {
    const clock = simulatedClock();
    const service = createContext({ name: "shop", clock });
    const seen = await service.withDeadline(500, async (context) => {
      await Promise.resolve();
      assert.equal(currentContext(), context);
      assert.deepEqual([context.parent, context.remainingMs, clock.pending], [service, 500, 1]);
      return context;
    });
    assert.equal(seen.signal.aborted, true);
    assert.equal(clock.pending, 0);
    await assert.rejects(service.withDeadline(500, () => Promise.reject(new Error("no"))), /no/);
    await assert.rejects(
      service.withDeadline(500, () => {
        throw new Error("at once");
      }),
      /at once/,
    );
    assert.deepEqual([service.snapshot().open, clock.pending], [0, 0]);
  });

  it("rejects at the deadline though the function never ends, and whose error later is nobody's", async () => {
    const clock = simulatedClock();
    const service = createContext({ name: "shop", clock });
    let fail = (_: Error): void => {};
    const never = service.run(() =>
      withDeadline(100, () => new Promise((_resolve, reject) => void (fail = reject)))
    );
    const rejected = assert.rejects(never, { code: "TIMEOUT", message: /took longer than 100 ms/ });
    await clock.advance(100);
    await rejected;
    fail(new Error("too late"));
    await clock.advance(0);
    assert.deepEqual([service.snapshot().open, clock.pending], [0, 0]);
  });

  it("does not begin when the parent is over", async () => {
    const service = createContext({ name: "shop" });
    service.close();
    await assert.rejects(service.withDeadline(100, () => assert.fail("it ran")), { code: "CLOSED" });
  });

  it("needs a context", async () => {
    await assert.rejects(withDeadline(100, () => 1), { code: "NO_CONTEXT" });
  });
});

describe("a child until something else ends", () => {
  it("aborts with its reason, and listens only while it is asked to", () => {
    const service = createContext({ name: "shop" });
    const client = new AbortController();
    const listeners = countListeners(client.signal);
    const [quiet, heard, closed] = [1, 2, 3].map(() => service.child({ until: client }));
    assert.equal(listeners(), 0);
    const signals = [heard!.signal, closed!.signal];
    assert.equal(listeners(), 2);
    closed!.close();
    assert.equal(listeners(), 1);
    client.abort("gone");
    assert.deepEqual(signals.map(({ reason }) => reason.code ?? reason), ["gone", "CLOSED"]);
    assert.equal(quiet!.signal.reason, "gone");
    assert.equal(listeners(), 0);
    assert.equal(service.signal.aborted, false);
  });
});

function lifetime(clock: Clock, parent?: Lifetime, deadlineMs?: number): Lifetime {
  const deadline = deadlineMs === undefined ? parent?.deadline : clock.monotonic() + deadlineMs;
  return new Lifetime({ clock, name: "shop", parent, deadline, deadlineMs });
}

describe("a lifetime", () => {
  it("is known to its parent only while its signal, or one below, is held", () => {
    const clock = simulatedClock();
    const service = lifetime(clock);
    const request = lifetime(clock, service, 100);
    const part = lifetime(clock, request);
    assert.deepEqual([service.followers, clock.pending], [0, 0]);
    assert.equal(part.signal.aborted, false);
    assert.deepEqual([service.followers, request.followers, clock.pending], [1, 1, 1]);
    part.close();
    // Nobody holds the signal of the one in between: it lets go as well, though nobody closed it.
    assert.deepEqual([service.followers, request.followers, clock.pending], [0, 0, 0]);
  });

  it("that ended before anybody looked has the reason all the same", async () => {
    const clock = simulatedClock();
    const service = lifetime(clock);
    const request = lifetime(clock, service, 100);
    await clock.advance(200);
    assert.equal(lifetime(clock, request).signal.reason.code, "TIMEOUT");
    assert.equal(request.remainingMs, 0);
    assert.equal(service.remainingMs, Infinity);
    assert.deepEqual([service.followers, clock.pending], [0, 0]);
  });
});

describe("closing a context", () => {
  it("aborts its signal and its children's, with an error that says so", () => {
    const service = createContext({ name: "shop" });
    const request = service.child({ deadlineMs: 60_000 });
    const { signal } = request;
    service.close();
    for (const { aborted, reason } of [signal, service.signal, service.child().signal]) {
      assert.equal(aborted, true);
      assert.equal((reason as BallastError).code, "CLOSED");
      assert.equal((reason as BallastError).message, 'the context "shop" is closed');
    }
  });

  it("of a child leaves the parent open", () => {
    const service = createContext({ name: "shop" });
    const request = service.child();
    request.close();
    assert.deepEqual([request.signal.aborted, service.signal.aborted], [true, false]);
    assert.equal(contexts.get("shop"), service);
  });

  it("leaves no timer behind, and never a listener on the parent's signal", () => {
    const clock = simulatedClock();
    const service = createContext({ name: "shop", clock });
    const listeners = countListeners(service.signal);
    for (let i = 0; i < 100; i++) {
      const request = service.child({ deadlineMs: 1000 });
      assert.equal(request.signal.aborted, false);
      assert.deepEqual([listeners(), clock.pending], [0, 1]);
      request.close();
    }
    assert.deepEqual([listeners(), clock.pending], [0, 0]);
  });

  it("may be left to dispose", () => {
    const context = createContext({ name: "shop" });
    context[Symbol.dispose]();
    assert.equal(contexts.get("shop"), undefined);
  });
});

/** Counts the listeners that are added to a signal from now on, and not removed. */
function countListeners(signal: AbortSignal): () => number {
  const held = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    held.add(args[1]);
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    held.delete(args[1]);
    removeEventListener.apply(signal, args);
  };
  return () => held.size;
}
