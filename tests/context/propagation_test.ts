import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { afterEach, describe, it } from "node:test";
import { contexts, createContext, currentContext, synchronousStorage } from "@ballast/runtime/context";
import { simulatedClock } from "@ballast/runtime/testing";

afterEach(() => {
  for (const context of contexts) context.close();
});

describe("the current context", () => {
  it("is undefined outside of any", () => {
    createContext({ name: "shop" });
    assert.equal(currentContext(), undefined);
  });

  it("is the one that runs, the innermost when they nest", () => {
    const service = createContext({ name: "shop" });
    const request = service.child();
    const seen = service.run(() => [currentContext(), request.run(() => currentContext()), currentContext()]);
    assert.deepEqual(seen.map((context) => [service, request].indexOf(context!)), [0, 1, 0]);
    assert.equal(currentContext(), undefined);
  });

  it("follows promises and timers, each flow its own", async () => {
    const clock = simulatedClock();
    const service = createContext({ name: "shop" });
    const seen: string[] = [];
    async function work(id: string, delayMs: number): Promise<void> {
      await Promise.resolve();
      await new Promise<void>((resolve) => clock.schedule(delayMs, resolve));
      seen.push(`${id} ${currentContext()?.get("id")}`);
    }
    const flows = [["a", 20], ["b", 10]] as const;
    const all = flows.map(([id, delayMs]) => service.child({ locals: { id } }).run(() => work(id, delayMs)));
    await clock.advance(30);
    await Promise.all(all);
    assert.deepEqual(seen, ["b b", "a a"]);
  });

  it("is left when the function throws, and its result and error are passed on", async () => {
    const context = createContext({ name: "shop" });
    assert.equal(context.run(() => 5), 5);
    const failing = () => {
      throw new Error("no");
    };
    assert.throws(() => context.run(failing), /no/);
    await assert.rejects(context.run(() => Promise.reject(new Error("later"))), /later/);
    assert.equal(currentContext(), undefined);
  });

  it("is still known after it was closed", () => {
    const context = createContext({ name: "shop" });
    const seen = context.run(() => {
      context.close();
      return currentContext();
    });
    assert.equal(seen, context);
  });
});

describe("a storage of its own", () => {
  it("carries a context that others nest with", async () => {
    const shared = createContext({ name: "shared" });
    const own = createContext({ name: "own", storage: new AsyncLocalStorage() });
    const other = createContext({ name: "other", storage: new AsyncLocalStorage() });
    const current = () => currentContext()?.name;
    assert.equal(own.run(current), "own");
    assert.equal(own.run(() => shared.run(current)), "shared");
    assert.equal(shared.run(() => own.run(current)), "own");
    assert.equal(other.run(() => own.run(() => shared.run(() => other.run(current)))), "other");
    const seen = await shared.run(() =>
      own.run(async () => {
        await Promise.resolve();
        return [current(), shared.run(current), current()];
      })
    );
    assert.deepEqual(seen, ["own", "shared", "own"]);
    assert.equal(current(), undefined);
  });

  it("may be shared by contexts, and is looked into until the last is closed", () => {
    const storage = new AsyncLocalStorage<unknown>();
    const [first, second] = [createContext({ name: "a", storage }), createContext({ name: "b", storage })];
    first.close();
    first.close();
    assert.equal(second.run(() => currentContext()?.name), "b");
    second.close();
    assert.equal(second.run(() => currentContext()), undefined);
  });

  it("may hold values of the program's own, which are no contexts", () => {
    const storage = new AsyncLocalStorage<unknown>();
    createContext({ name: "shop", storage });
    assert.equal(storage.run({ context: "mine" }, () => currentContext()), undefined);
  });

  it("that follows no asynchronous calls reaches up to the first await, and leaks into no other flow", async () => {
    const context = createContext({ name: "shop", storage: synchronousStorage() });
    const seen: unknown[] = [];
    const flow = context.run(async () => {
      seen.push(currentContext());
      await Promise.resolve();
      seen.push(currentContext());
    });
    seen.push(currentContext());
    await flow;
    assert.equal(seen[0], context);
    assert.deepEqual(seen.slice(1), [undefined, undefined]);
  });
});
