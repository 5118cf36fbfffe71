import { createRuntime } from "@ballast/runtime";
import { BaseHandler } from "@std/log";
// `@std/testing/bdd` is deprecated in favour of `node:test`, which has the same names: change this import, and nothing else.
import { describe, it } from "@std/testing/bdd";
import { assertSpyCallArg, assertSpyCalls, spy, stub } from "@std/testing/mock";
import assert from "node:assert/strict";
import { setUpLogging } from "./logging.ts";

/** Keeps the lines it is given. */
class Lines extends BaseHandler {
  readonly lines: string[] = [];

  log(line: string): void {
    this.lines.push(line);
  }
}

describe("a logger of @std/log", () => {
  it("gets every record as one line", async () => {
    const logger = setUpLogging(new Lines("DEBUG"));
    using warn = spy(logger, "warn");
    await using runtime = createRuntime({ log: { logger } });

    runtime.log.warn("the queue is long", { waiting: 2_000 });

    assertSpyCalls(warn, 1);
    assertSpyCallArg(warn, 0, 0, "ballast: the queue is long waiting=2000");
  });

  it("decides by its level what is written; Ballast remembers the rest", async () => {
    const handler = new Lines("DEBUG");
    await using runtime = createRuntime({ log: { logger: setUpLogging(handler, "WARN") } });

    runtime.log.info("open for business");
    runtime.log.warn("the queue is long");

    assert.deepEqual(handler.lines, ["WARN ballast: the queue is long"]);
    assert.deepEqual(runtime.log.recent().map(({ message }) => message), [
      "the queue is long",
      "open for business",
    ]);
  });

  it("may throw: the caller is none the worse, and a finding says so", async () => {
    const logger = setUpLogging(new Lines("DEBUG"));
    using info = stub(logger, "info", () => {
      throw new Error("no space left on device");
    });
    await using runtime = createRuntime({ log: { logger } });

    runtime.log.info("open for business");

    assertSpyCalls(info, 1);
    assert.deepEqual(runtime.log.report().findings?.map(({ id }) => id), ["logger-throws"]);
  });
});
