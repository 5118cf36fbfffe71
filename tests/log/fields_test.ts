import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLog, formatRecord, type LogRecord } from "@ballast/runtime/log";
import fc from "fast-check";

/** What is kept of a field. */
function kept(value: unknown): unknown {
  const log = createLog({ capacity: 1 });
  log.info("x", { value });
  return log.recent()[0]?.fields.value;
}

describe("a field", () => {
  it("is kept as it is when it is a primitive that JSON has", () => {
    for (const value of ["a text", "", 0, -1.5, true, false, null]) assert.equal(kept(value), value);
  });

  it("is a short text otherwise", () => {
    const cases: [unknown, string][] = [
      [NaN, "NaN"],
      [-Infinity, "-Infinity"],
      [12n, "12"],
      [Symbol("s"), "Symbol(s)"],
      [() => 1, "a function"],
      [new Date(0), "1970-01-01T00:00:00.000Z"],
      [new URL("http://a.example/b"), "http://a.example/b"],
      [new RangeError("too far"), "RangeError: too far"],
      [["a", 1, null, undefined], '["a",1,null,null]'],
      [{ a: { b: [1, 2] }, skipped: undefined }, '{"a":{"b":[1,2]}}'],
      [{ a: { b: { c: { d: 1 } } } }, '{"a":{"b":{"c":"{…}"}}}'],
      [
        { when: new Date(0), why: new Error("no"), n: 1n },
        '{"when":"1970-01-01T00:00:00.000Z","why":"Error: no","n":"1"}',
      ],
      [new Uint8Array(1_000_000), "1000000 bytes"],
      [new Map<unknown, unknown>([[1, 2], ["a", new Set(["b"])]]), '{"1":2,"a":["b"]}'],
      [new Headers({ accept: "text/html" }), '{"accept":"text/html"}'],
      [Array.from({ length: 1000 }, (_, i) => i), '[0,1,2,3,4,5,6,7,8,9,"… 990 more"]'],
    ];
    for (const [value, text] of cases) assert.equal(kept(value), text);
  });

  it("may be cyclic, huge or hostile", () => {
    const cyclic: Record<string, unknown> = { a: 1 };
    cyclic.self = cyclic;
    assert.equal(kept(cyclic), '{"a":1,"self":{"a":1,"self":{"a":1,"self":"{…}"}}}');
    assert.equal((kept("x".repeat(1_000_000)) as string).length, 501);
    assert.ok((kept({ deep: Array.from({ length: 10 }, () => "y".repeat(1000)) }) as string).length <= 501);
  });

  it("costs the caller nothing when it throws: the others are kept up to there", () => {
    const log = createLog();
    const throwing = {
      first: 1,
      get second(): number {
        throw new Error("no");
      },
    };
    log.info("x", throwing);
    assert.deepEqual(log.recent()[0]?.fields, { first: 1, unreadable: "some fields" });
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    log.info("y", revoked.proxy);
    log.info("z", { revoked: Proxy.revocable({}, {}).proxy, toJSON: { toJSON: () => undefined } });
    assert.deepEqual(log.recent().map(({ message }) => message), ["z", "y", "x"]);
  });

  it("is one of at most 32", () => {
    const log = createLog();
    log.info("x", Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`f${i}`, i])));
    assert.equal(Object.keys(log.recent()[0]?.fields ?? {}).length, 32);
  });

  it("never makes logging throw, and is always plain JSON", () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true }),
        (value) => {
          const log = createLog();
          log.info("x", { value });
          log.begin("y", { value }).failure(value, { value });
          const snapshot = log.snapshot();
          assert.equal(snapshot.recent.length, 2);
          assert.deepEqual(JSON.parse(JSON.stringify(snapshot)), snapshot);
        },
      ),
    );
  });
});

describe("the line of a record", () => {
  const record: LogRecord = {
    at: 0,
    level: "info",
    category: ["ballast", "dns"],
    message: "asked",
    fields: {},
  };

  it("has category, message, duration and fields", () => {
    assert.equal(formatRecord(record), "ballast.dns: asked");
    const fields = { name: "db.internal", empty: "", text: 'a "b"', n: 1.5, yes: true, no: null };
    assert.equal(
      formatRecord({ ...record, durationMs: 12.34, fields }),
      'ballast.dns: asked (12.3 ms) name=db.internal empty="" text="a \\"b\\"" n=1.5 yes=true no=null',
    );
  });

  it("is one line, whatever is in it", () => {
    const hostile = fc.string({
      unit: fc.constantFrom("a", "\n", "\r", "\u001b", "\u2028", "\u202e", "\0", "=", '"'),
    });
    fc.assert(fc.property(hostile, hostile, hostile, (message, name, value) => {
      const line = formatRecord({ ...record, category: [message], message, fields: { [name]: value } });
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(line, /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/);
    }));
    assert.equal(formatRecord({ ...record, message: "a\nballast: b" }), "ballast.dns: a\\nballast: b");
    assert.equal(formatRecord({ ...record, message: "\u001b[31m" }), "ballast.dns: \\u001b[31m");
  });
});
