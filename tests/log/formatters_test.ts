import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import {
  consoleSink,
  createLog,
  jsonFormatter,
  type Log,
  type SinkRecord,
  textFormatter,
  type TextFormatterOptions,
} from "@ballast/runtime/log";
import { simulatedClock } from "@ballast/runtime/testing";
import { configure, getConsoleSink, getLogger, type LogRecord, reset } from "@logtape/logtape";
import fc from "fast-check";

/** A console that keeps its lines. */
function memoryConsole() {
  const lines: string[] = [];
  const write = (level: string) => (line: string) => lines.push(`${level}|${line}`);
  return { lines, debug: write("D"), info: write("I"), warn: write("W"), error: write("E") };
}

/** What a log writes through a formatter. */
async function written(
  options: TextFormatterOptions,
  use: (log: Log, wait: (ms: number) => Promise<void>) => unknown,
) {
  const console = memoryConsole();
  const clock = simulatedClock();
  const formatter = textFormatter({ utc: true, ...options });
  await use(createLog({ clock, logger: consoleSink({ formatter, console }) }), (ms) => clock.advance(ms));
  return console.lines;
}

async function story(log: Log, wait: (ms: number) => Promise<void>): Promise<void> {
  const dns = log.child("dns");
  log.info("ready", { port: 8888, host: "a b", tls: { token: "x" } });
  const query = dns.begin("dns.query", { name: "db.internal" });
  await wait(200);
  query.failure(
    new Error("no answer", { cause: Object.assign(new Error("refused"), { code: "ECONNREFUSED" }) }),
    {
      outcome: "timeout",
    },
  );
  log.error("it is over");
}

describe("the text formatter", () => {
  it("writes columns, with an error's causes below", async () => {
    const lines = await written({}, story);
    assert.deepEqual(lines.join("\n").split("\n"), [
      'I|00:00:00.000  INFO   ballast                         ready                                 port=8888 host="a b" tls={"token":"[redacted]"}',
      "W|00:00:00.200  WARN   ballast.dns             200 ms  dns.query failed: no answer           outcome=timeout name=db.internal",
      "                                                     ╰ caused by Error ECONNREFUSED: refused",
      "E|00:00:00.200  ERROR  ballast                         it is over",
    ]);
  });

  it("has colours when told so, and the same text without them", async () => {
    const [colored, bare] = [await written({ colors: true }, story), await written({}, story)];
    assert.ok(colored[0]!.includes("\x1b[32mINFO \x1b[0m"));
    // deno-lint-ignore no-control-regex
    assert.deepEqual(colored.map((line) => line.replace(/\x1b\[[\d;]*m/g, "")), bare);
  });

  it("cuts a long category on the left, and shows what was asked for", async () => {
    const [line] = await written(
      { time: "datetime", categoryWidth: 10, messageWidth: 0 },
      (log) => log.child("connections").info("x", { a: 1 }),
    );
    assert.equal(line, "I|2026-01-01 00:00:00.000  INFO   …nnections            x  a=1");
    const [bare] = await written({ time: "none" }, (log) => log.info("x"));
    assert.equal(bare, "I|INFO   ballast                         x");
  });

  it("shows the stack of an error when asked to", async () => {
    const [line] = await written({ stack: true }, (log) => log.begin("x").failure(new Error("no")));
    assert.match(line!, /\n +at .*formatters_test/);
  });

  it("says durations in the unit that fits", async () => {
    const took = async (ms: number) => {
      const [line] = await written({}, async (log, wait) => {
        const call = log.begin("x");
        await wait(ms);
        call.success();
      });
      return line!.slice(45, 55).trim();
    };
    const cases: [number, string][] = [
      [0, "0 ms"],
      [0.25, "250 µs"],
      [1.234, "1.23 ms"],
      [999.9, "1 s"],
      [59_999, "1 m"],
      [
        125_000,
        "2 m 5 s",
      ],
      [7_260_000, "2 h 1 m"],
      [200_000_000, "2 d 8 h"],
    ];
    for (const [ms, text] of cases) assert.equal(await took(ms), text);
  });

  it("gives one line for whatever is in a record without an error", () => {
    const hostile = fc.string({
      unit: fc.constantFrom("a", "\n", "\r", "\u001b", "\u2028", "\u202e", "\0", "=", '"'),
    });
    fc.assert(fc.property(hostile, hostile, hostile, fc.double(), (message, name, value, timestamp) => {
      const record: SinkRecord = {
        category: [name],
        level: "info",
        message: [message, value, ""],
        rawMessage: message,
        timestamp,
        properties: { [name]: value },
      };
      const line = textFormatter()(record);
      assert.match(line, /\n$/);
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(line.slice(0, -1), /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/);
    }));
  });

  it("refuses options that are none", () => {
    assert.throws(
      () => textFormatter({ time: "noon" as "time" }),
      /time must be "time", "datetime" or "none"/,
    );
    assert.throws(() => textFormatter({ categoryWidth: 0 }), RangeError);
  });
});

describe("the JSON formatter", () => {
  it("writes a line for each record, its facts above and its fields below", async () => {
    const console = memoryConsole();
    const clock = simulatedClock();
    const log = createLog({
      clock,
      ambient: () => ({ traceId: "4bf9", spanId: "00f0" }),
      logger: consoleSink({ formatter: jsonFormatter(), console }),
    });
    const call = log.child("dns").begin("dns.query", { name: "a", level: "mine", list: [1, { b: true }] });
    await clock.advance(200);
    call.failure(new Error("no answer", { cause: "because" }));
    assert.equal(console.lines.length, 1);
    assert.deepEqual(JSON.parse(console.lines[0]!.slice(2)), {
      time: "2026-01-01T00:00:00.200Z",
      level: "warn",
      category: "ballast.dns",
      message: "dns.query failed: no answer",
      durationMs: 200,
      event: "dns.query",
      outcome: "failure",
      traceId: "4bf9",
      spanId: "00f0",
      error: { name: "Error", message: "no answer", cause: { name: "string", message: "because" } },
      fields: { name: "a", level: "mine", list: [1, { b: true }] },
    });
  });

  it("gives one line of JSON for whatever is logged", () => {
    fc.assert(fc.property(fc.anything({ withBigInt: true, withMap: true }), fc.string(), (value, name) => {
      const line = jsonFormatter()({
        category: [name],
        level: "info",
        message: [name, value, ""],
        rawMessage: name,
        timestamp: 0,
        properties: { [name]: value, value, error: value },
      });
      assert.equal(line.indexOf("\n"), line.length - 1);
      assert.equal(JSON.parse(line).category, name);
    }));
  });
});

describe("the console sink", () => {
  afterEach(() => reset());

  it("and the formatters plug into LogTape, for records of anybody", async () => {
    const console = memoryConsole();
    const formatted: string[] = [];
    await configure({
      sinks: {
        ours: consoleSink({ console, formatter: textFormatter({ utc: true, time: "none" }) }),
        theirs: (record: LogRecord) => void formatted.push(jsonFormatter()(record)),
        both: getConsoleSink({ formatter: jsonFormatter(), console: silent }),
      },
      loggers: [
        { category: "shop", sinks: ["ours", "theirs", "both"] },
        { category: "ballast", sinks: ["ours"] },
        { category: ["logtape", "meta"], sinks: [] },
      ],
    });
    getLogger("shop").warn("{user} bought {count} things", { user: "ada", count: 2 });
    getLogger("shop").fatal`out of ${"paper"}`;
    createLog().info("ready", { port: 1 });
    assert.deepEqual(console.lines, [
      "W|WARN   shop                            ada bought 2 things                   user=ada count=2",
      "E|FATAL  shop                            out of paper",
      "I|INFO   ballast                         ready                                 port=1",
    ]);
    assert.equal(JSON.parse(formatted[0]!).message, "ada bought 2 things");
  });

  it("of LogTape's own serves a log without LogTape being configured", () => {
    const seen: LogRecord[] = [];
    const log = createLog({ logger: (record: LogRecord) => void seen.push(record) });
    log.info("x");
    assert.equal(seen[0]?.rawMessage, "x");
  });

  it("writes to the console, unless told otherwise", () => {
    const { info } = console;
    const lines: unknown[] = [];
    console.info = (...args: unknown[]) => void lines.push(args);
    try {
      createLog({ logger: consoleSink({ formatter: ({ rawMessage }) => `<${rawMessage}>\n` }) }).info(
        "100% %s",
      );
      createLog({ logger: consoleSink() }).info("plain");
      createLog({ logger: console }).info("bare");
    } finally {
      console.info = info;
    }
    assert.deepEqual(lines[0], ["<100% %s>"]);
    assert.match(String(lines[1]), /INFO .*ballast .*plain/);
    assert.deepEqual(lines[2], ["ballast: bare"]);
  });
});

/** A console that says nothing. */
const silent = new Proxy(console, { get: () => () => {} }) as NonNullable<
  NonNullable<Parameters<typeof getConsoleSink>[0]>["console"]
>;
