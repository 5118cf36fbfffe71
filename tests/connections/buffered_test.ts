import assert from "node:assert/strict";
import { test } from "node:test";

import { BallastError } from "@ballast/runtime";
import {
  type BufferedConnection,
  bufferedConnection,
  type ByteConnection,
} from "@ballast/runtime/connections";
import { simulatedClock } from "@ballast/runtime/testing";
import fc from "fast-check";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);

/** A peer that sends what it is told, when it is told. */
function scripted() {
  const arrived: (Uint8Array | undefined)[] = [];
  const sent: string[] = [];
  let wake: (() => void) | undefined;
  const connection: ByteConnection = {
    async read(signal) {
      while (arrived.length === 0) {
        await new Promise<void>((resolve, reject) => {
          wake = resolve;
          signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
      }
      const next = arrived[0];
      if (next !== undefined) arrived.shift();
      return next;
    },
    write(chunk) {
      sent.push(text(chunk));
      return Promise.resolve();
    },
  };
  return {
    connection,
    sent,
    deliver(...chunks: (string | Uint8Array | undefined)[]) {
      arrived.push(...chunks.map((chunk) => typeof chunk === "string" ? bytes(chunk) : chunk));
      wake?.();
    },
  };
}

test("a delimiter is found however it is split, and what follows it stays", async () => {
  const peer = scripted();
  const buffered = bufferedConnection(peer.connection);
  peer.deliver("one\r", "\ntwo\r\nthree");
  assert.equal(text(await buffered.recvUntil("\r\n")), "one");
  assert.equal(text(await buffered.recvUntil("\r\n", { includeDelimiter: true })), "two\r\n");
  assert.equal(buffered.buffered, 5);
  assert.equal(text(await buffered.recvExactly(5)), "three");
});

test("after a timeout no byte is lost, and the call can be made again", async () => {
  const clock = simulatedClock();
  const peer = scripted();
  const buffered = bufferedConnection(peer.connection, { clock, timeoutMs: 100 });
  peer.deliver("12");
  const first = assert.rejects(buffered.recvExactly(4), { code: "TIMEOUT" });
  await clock.advance(100);
  await first;
  assert.equal(buffered.buffered, 2);
  peer.deliver("34");
  assert.equal(text(await buffered.recvExactly(4)), "1234");
  assert.equal(clock.pending, 0);
});

test("the peer's end is told apart from its silence", async () => {
  const peer = scripted();
  const buffered = bufferedConnection(peer.connection);
  peer.deliver("half", undefined);
  await assert.rejects(buffered.recvUntil("\n"), { code: "CONNECTION_ENDED" });
  await assert.rejects(buffered.recvExactly(5), { code: "CONNECTION_ENDED" });
  assert.equal(text(await buffered.peek(4)), "half");
  assert.equal(text(await buffered.recvUntilClose()), "half");
  assert.equal((await buffered.recv()).length, 0);
});

test("a message may not be longer than its cap, and what came of it is still there", async () => {
  const peer = scripted();
  const buffered = bufferedConnection(peer.connection);
  peer.deliver("x".repeat(100));
  await assert.rejects(buffered.recvUntil("\n", { maxBytes: 64 }), { code: "MESSAGE_TOO_LONG" });
  assert.equal(buffered.buffered, 100);
  peer.deliver("\n");
  assert.equal((await buffered.recvUntil("\n")).length, 100);
  peer.deliver("y".repeat(65), undefined);
  await assert.rejects(buffered.recvUntilClose({ maxBytes: 64 }), { code: "MESSAGE_TOO_LONG" });
  assert.throws(() => bufferedConnection(peer.connection, { maxBytes: 4 }).write("12345"), {
    code: "MESSAGE_TOO_LONG",
  });
});

test("a message of exactly its cap is let through, whichever way the delimiter comes", async () => {
  for (const chunks of [["abcd\r\n"], ["abcd", "\r\n"], ["abcd\r", "\n"]]) {
    const peer = scripted();
    peer.deliver(...chunks);
    assert.equal(text(await bufferedConnection(peer.connection).recvUntil("\r\n", { maxBytes: 4 })), "abcd");
  }
});

test("small writes go out as one, and before what is sent after them", async () => {
  const peer = scripted();
  const buffered = bufferedConnection(peer.connection);
  buffered.write("SET ");
  buffered.write("a 1");
  assert.deepEqual(peer.sent, []);
  await buffered.flush();
  await buffered.flush();
  buffered.write("GET ");
  await buffered.send("a");
  assert.deepEqual(peer.sent, ["SET a 1", "GET a"]);
});

test("two calls at a time are refused: their bytes would be mixed up", async () => {
  const peer = scripted();
  const buffered = bufferedConnection(peer.connection);
  const first = buffered.recvExactly(1);
  await assert.rejects(buffered.recvExactly(1), TypeError);
  peer.deliver("a");
  assert.equal(text(await first), "a");
});

test("a signal ends a wait with its reason, at once where it is aborted already", async () => {
  const peer = scripted();
  const buffered = bufferedConnection(peer.connection);
  const controller = new AbortController();
  const waiting = buffered.recv(10, { signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(buffered.recv(10, { signal: controller.signal }), /enough/);
  peer.deliver("still here");
  assert.equal(text(await buffered.recv()), "still here");
});

test("over web streams, a read that was given up gives its bytes to the next call", async () => {
  const clock = simulatedClock();
  const there = new TransformStream<Uint8Array, Uint8Array>();
  const back = new TransformStream<Uint8Array, Uint8Array>();
  const here = bufferedConnection(
    { readable: back.readable, writable: there.writable },
    { clock, timeoutMs: 50 },
  );
  const waiting = assert.rejects(here.recv(), { code: "TIMEOUT" });
  await clock.advance(50);
  await waiting;
  const writer = back.writable.getWriter();
  void writer.write(bytes("late"));
  assert.equal(text(await here.recv()), "late");
  void writer.close();
  assert.equal((await here.recv()).length, 0);
});

test("options that make no sense are refused with the value given", () => {
  const { connection } = scripted();
  assert.throws(() => bufferedConnection(connection, { timeoutMs: -1 }), /timeoutMs .* got -1/);
  assert.throws(() => bufferedConnection(connection, { maxBytes: 0 }), /maxBytes .* got 0/);
});

/** A call of a parser. */
type Call = { readonly exactly: number } | { readonly until: string };

test("however a stream is cut into pieces, a parser reads the same from it", async () => {
  const calls = fc.array(
    fc.oneof(
      fc.record({ exactly: fc.integer({ min: 0, max: 9_000 }) }),
      fc.record({ until: fc.constantFrom("\n", "\r\n", "--END--", "aab") }),
    ) as fc.Arbitrary<Call>,
    { maxLength: 20 },
  );
  const cuts = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(calls, cuts, fc.integer(), async (calls, cuts, seed) => {
      const messages = calls.map((call, index) => {
        const filler = "ab".repeat((Math.abs(seed + index) % 40) + 1);
        return "exactly" in call
          ? "z".repeat(call.exactly)
          : `${filler.replaceAll("aab", "ab")}${call.until}`;
      });
      const stream = bytes(messages.join(""));
      const peer = scripted();
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const size = cuts[turn % cuts.length]!;
        peer.deliver(stream.slice(at, at + size));
        at += size;
      }
      peer.deliver(undefined);
      const buffered: BufferedConnection = bufferedConnection(peer.connection);
      for (const [index, call] of calls.entries()) {
        const message = "exactly" in call
          ? await buffered.recvExactly(call.exactly)
          : await buffered.recvUntil(call.until, { includeDelimiter: true });
        assert.equal(text(message), messages[index]);
      }
      await assert.rejects(buffered.recvExactly(1), (error) => error instanceof BallastError);
    }),
    { numRuns: 60 },
  );
});

test("what could not be sent in time is still on its way: flush waits for it, and it is bounded", async () => {
  const clock = simulatedClock();
  const taken: (() => void)[] = [];
  const sent: string[] = [];
  const connection: ByteConnection = {
    read: () => new Promise(() => {}),
    write(chunk) {
      sent.push(text(chunk));
      return new Promise((resolve) => void taken.push(resolve));
    },
  };
  const buffered = bufferedConnection(connection, { clock, timeoutMs: 100, maxBytes: 4 });
  const late = assert.rejects(buffered.send("hello"), { code: "TIMEOUT" });
  await clock.advance(100);
  await late;
  await assert.rejects(buffered.send("more"), { code: "MESSAGE_TOO_LONG", message: /has not taken 5 bytes/ });
  let flushed = false;
  const flush = buffered.flush().then(() => flushed = true);
  await clock.advance(10);
  assert.equal(flushed, false);
  taken[0]!();
  await flush;
  assert.deepEqual(sent, ["hello"]);
  const again = buffered.send("more");
  await clock.advance(0);
  taken[1]!();
  await again;
  assert.deepEqual(sent, ["hello", "more"]);
});
