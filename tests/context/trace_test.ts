import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import {
  contexts,
  createContext,
  currentTrace,
  extract,
  formatTraceparent,
  inject,
  parseTraceparent,
} from "@ballast/runtime/context";
import { simulatedClock } from "@ballast/runtime/testing";
import fc from "fast-check";

afterEach(() => {
  for (const context of contexts) context.close();
});

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN_ID = "00f067aa0ba902b7";

const hex = (digits: number) =>
  fc.array(fc.constantFrom(..."0123456789abcdef"), { minLength: digits, maxLength: digits })
    .map((all) => all.join(""));
const id = (digits: number) => hex(digits).filter((text) => !/^0+$/.test(text));

describe("a traceparent", () => {
  it("of version 00 is read whole, whatever its ids and flags", () => {
    fc.assert(fc.property(id(32), id(16), hex(2), (traceId, spanId, flags) => {
      const span = parseTraceparent(`00-${traceId}-${spanId}-${flags}`);
      assert.deepEqual(span, { traceId, spanId, flags: parseInt(flags, 16) & 3 });
    }));
  });

  it("is written as it is read", () => {
    fc.assert(fc.property(id(32), id(16), fc.integer({ min: 0, max: 3 }), (traceId, spanId, flags) => {
      const span = { traceId, spanId, flags };
      assert.deepEqual(parseTraceparent(formatTraceparent(span)), span);
      assert.equal(formatTraceparent(span).length, 55);
    }));
  });

  it("of a later version is read as far as it is known", () => {
    fc.assert(fc.property(
      hex(2).filter((version) => version !== "00" && version !== "ff"),
      id(32),
      id(16),
      fc.constantFrom("", "-", "-what-the-future-is-like", "-00"),
      (version, traceId, spanId, more) => {
        const span = parseTraceparent(`${version}-${traceId}-${spanId}-01${more}`);
        assert.deepEqual(span, { traceId, spanId, flags: 1 });
      },
    ));
  });

  it("with any one character replaced by one that has no place there is ignored", () => {
    const valid = `00-${TRACE_ID}-${SPAN_ID}-01`;
    fc.assert(fc.property(
      fc.integer({ min: 0, max: valid.length - 1 }),
      fc.constantFrom(..."ABCDEFGghz_ .,\u00e9\u0000"),
      (at, wrong) => {
        // A space around the value is none of it.
        const text = valid.slice(0, at) + wrong + valid.slice(at + 1);
        assert.equal(parseTraceparent(text), undefined, text);
      },
    ));
  });

  it("that is not one is ignored, and nothing throws", () => {
    for (
      const header of [
        "",
        "00",
        `ff-${TRACE_ID}-${SPAN_ID}-01`,
        `00-${TRACE_ID}-${SPAN_ID}-01-`,
        `00-${TRACE_ID}-${SPAN_ID}-01-more`,
        `cc-${TRACE_ID}-${SPAN_ID}-01.more`,
        `00-${"0".repeat(32)}-${SPAN_ID}-01`,
        `00-${TRACE_ID}-${"0".repeat(16)}-01`,
        `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`,
        `00-${TRACE_ID}-${SPAN_ID}`,
        `00-${TRACE_ID}-${SPAN_ID}-1`,
        `00-${TRACE_ID}-${SPAN_ID}-01, 00-${TRACE_ID}-${SPAN_ID}-01`,
      ]
    ) assert.equal(parseTraceparent(header), undefined, header);
    fc.assert(fc.property(fc.string(), (text) => assert.equal(parseTraceparent(text), undefined)));
  });
});

describe("the trace of a context", () => {
  it("begins with a child of the service, and every child is a span of its own", () => {
    const service = createContext({ name: "shop" });
    const request = service.child();
    const part = request.child();
    assert.equal(service.trace, undefined);
    // The part is asked first: it is a part of the request all the same.
    const { trace } = part;
    assert.equal(trace!.traceId, request.trace!.traceId);
    assert.equal(trace!.parentId, request.trace!.spanId);
    assert.equal(request.trace!.parentId, undefined);
    assert.equal(request.trace, request.trace);
    assert.match(request.trace!.traceId, /^[0-9a-f]{32}$/);
    assert.match(request.trace!.spanId, /^[0-9a-f]{16}$/);
    assert.notEqual(service.child().trace!.traceId, trace!.traceId);
  });

  it("is that of the running context, for whoever asks", () => {
    const service = createContext({ name: "shop" });
    const request = service.child();
    assert.equal(currentTrace(), undefined);
    assert.equal(service.run(currentTrace), undefined);
    assert.equal(request.run(currentTrace), request.trace);
  });

  it("has ids that are never twice the same", () => {
    const service = createContext({ name: "shop" });
    const traces = Array.from({ length: 10_000 }, () => service.child().trace!);
    assert.equal(new Set(traces.map(({ traceId }) => traceId)).size, 10_000);
    assert.equal(new Set(traces.map(({ spanId }) => spanId)).size, 10_000);
  });

  it("is sampled in the share that was asked for, and as the caller says where there is one", () => {
    const shareOf = (sampleRatio: number) => {
      const service = createContext({ name: "shop", sampleRatio });
      const traces = Array.from({ length: 4_000 }, () => service.child().trace!);
      assert.ok(traces.every(({ sampled, flags }) => sampled === (flags === 1)));
      return traces.filter(({ sampled }) => sampled).length / traces.length;
    };
    assert.deepEqual([shareOf(0), shareOf(1)], [0, 1]);
    // Seven standard deviations.
    assert.ok(Math.abs(shareOf(0.25) - 0.25) < 0.05);
    const never = createContext({ name: "shop", sampleRatio: 0 });
    const trace = { traceId: TRACE_ID, spanId: SPAN_ID, flags: 1 };
    assert.equal(never.child({ trace }).child().trace!.sampled, true);
    assert.throws(() => createContext({ name: "shop", sampleRatio: 2 }), RangeError);
  });
});

describe("headers between services", () => {
  it("carry trace, state and time left from one to the next, however they are held", async () => {
    const clock = simulatedClock();
    const shop = createContext({ name: "shop", clock });
    const incoming = {
      traceparent: `00-${TRACE_ID}-${SPAN_ID}-03`,
      tracestate: "congo=t61rcWkgMzE, ,rojo=00f067aa0ba902b7",
      "x-deadline-ms": "2000",
    };
    for (const carrier of [incoming, new Headers(incoming)]) {
      const request = shop.child(extract(carrier));
      await clock.advance(100.5);
      const out = request.run(() => inject(new Headers()));
      const record: Record<string, string> = inject({}, { context: request });
      assert.deepEqual(Object.fromEntries(out), record);
      assert.deepEqual(record, {
        traceparent: `00-${TRACE_ID}-${request.trace!.spanId}-03`,
        tracestate: "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7",
        "x-deadline-ms": "1899",
      });
      assert.equal(request.trace!.parentId, SPAN_ID);
    }
  });

  it("are left alone where there is nothing to say", () => {
    assert.deepEqual(inject({}), {});
    assert.deepEqual(inject({}, { context: createContext({ name: "shop" }) }), {});
    assert.deepEqual(extract({}), { deadlineMs: undefined, trace: undefined });
  });

  it("tell of no time left, never of less than none", async () => {
    const clock = simulatedClock();
    const request = createContext({ name: "shop", clock }).child({ deadlineMs: 10 });
    await clock.advance(50);
    assert.equal(inject<Record<string, string>>({}, { context: request })["x-deadline-ms"], "0");
    assert.equal(
      createContext({ name: "b", clock }).child(extract({ "x-deadline-ms": "0" })).signal.aborted,
      true,
    );
  });

  it("with a deadline that is none have none; one too long is cut to a day", () => {
    const read = (header: string) => extract({ "x-deadline-ms": header }).deadlineMs;
    for (const bad of ["", "-1", "1.5", "1e3", "NaN", "Infinity", "100ms", "0x10", "1, 2", "9".repeat(16)]) {
      assert.equal(read(bad), undefined, bad);
    }
    assert.deepEqual(["0", "250", " 250 ", "999999999999999"].map(read), [0, 250, 250, 86_400_000]);
    fc.assert(fc.property(fc.nat(86_400_000), (ms) => assert.equal(read(String(ms)), ms)));
    assert.equal(
      extract({ "x-envoy-expected-rq-timeout-ms": "15" }, {
        deadlineHeader: "x-envoy-expected-rq-timeout-ms",
      }).deadlineMs,
      15,
    );
  });

  it("have their trace state passed on unchanged when it is valid, and else not at all", () => {
    const state = (header: string, parent = `00-${TRACE_ID}-${SPAN_ID}-01`) =>
      extract({ traceparent: parent, tracestate: header }).trace?.state;
    const members = (count: number) => Array.from({ length: count }, (_, i) => `k${i}=v`).join(",");
    for (
      const good of ["a=1", "fw529a3039@dt=FfAAAA", "1a/b*c-d_e@f=!~ x", members(32), `a=${"x".repeat(256)}`]
    ) {
      assert.equal(state(good), good);
    }
    const bad = [
      "A=1",
      "a",
      "a=",
      "=1",
      "a=1,a=2",
      "a=b=c",
      "a=\u00e9",
      members(33),
      `a=${"x".repeat(257)}`,
      "a =1",
    ];
    for (const header of bad) assert.equal(state(header), undefined, header);
    assert.equal(state(" a=1 ,\t, b=2"), "a=1,b=2");
    assert.equal(state("a=1", "broken"), undefined);
    fc.assert(fc.property(fc.string(), (text) => {
      const read = state(text);
      // Read again, it is the same: so every service of a chain passes the same on.
      if (read !== undefined) assert.equal(state(read), read);
    }));
  });
});
