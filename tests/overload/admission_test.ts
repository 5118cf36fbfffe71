import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createStats } from "@ballast/runtime/stats";
import {
  type AdmissionOptions,
  createAdmission,
  OverloadError,
  type OverloadEvent,
  PRIORITIES,
  type Refusal,
  type Ticket,
  type TicketOutcome,
} from "@ballast/runtime/overload";
import { simulatedClock } from "@ballast/runtime/testing";

function setUp(options: AdmissionOptions = {}) {
  const clock = simulatedClock();
  const stats = createStats({ clock });
  const admission = createAdmission({ clock, stats, ...options });
  const events: OverloadEvent[] = [];
  admission.events.subscribe((event) => events.push(event));
  return { clock, stats, admission, events };
}

function refused(answer: Ticket | Refusal): Refusal["reason"] | undefined {
  return answer.admitted ? undefined : answer.reason;
}

describe("an admission", () => {
  it("lets in at once, in order, and never more than its limit", async () => {
    const { admission, events } = setUp({ limit: 2 });
    const first = admission.ask();
    assert.ok(!(first instanceof Promise) && first.admitted);
    await admission.admit();
    const order: number[] = [];
    const waiting = [1, 2, 3].map((n) =>
      admission.admit().then((ticket) => {
        order.push(n);
        ticket.done();
      })
    );
    assert.deepEqual([admission.inFlight, admission.waiting], [2, 3]);
    first.done();
    await Promise.all(waiting);
    assert.deepEqual(order, [1, 2, 3]);
    assert.deepEqual([admission.inFlight, admission.waiting], [1, 0]);
    assert.equal(events.filter(({ type }) => type === "admitted").length, 5);
    assert.equal(events.filter(({ type }) => type === "queued").length, 3);
  });

  it("counts a ticket that is handed back twice once", async () => {
    const { admission } = setUp({ limit: 1 });
    const ticket = await admission.admit();
    ticket.done();
    ticket.done("failure");
    ticket.done();
    assert.equal(admission.inFlight, 0);
  });

  it("refuses by age though nobody comes by, with an error that says why", async () => {
    const { clock, admission, stats } = setUp({ limit: 1, queue: { maxWaitMs: 50 } });
    await admission.admit();
    const waiting = assert.rejects(admission.admit({ priority: "sheddable" }), (error) => {
      assert.ok(error instanceof OverloadError);
      assert.deepEqual([error.code, error.reason, error.retryable], ["OVERLOADED", "age", true]);
      assert.deepEqual(error.data, { reason: "age", priority: "sheddable", waitedMs: 50 });
      assert.equal(error.message, "admission refused it: it waited too long");
      return true;
    });
    await clock.advance(60);
    await waiting;
    assert.equal(clock.pending, 0);
    assert.match(
      stats.openMetrics(),
      /^ballast_overload_refused_total\{part="admission",priority="sheddable",reason="age"\} 1$/m,
    );
  });

  it("refuses at once what is past its deadline, and soon what cannot be done until then", async () => {
    const { clock, admission } = setUp({ limit: 1 });
    await clock.advance(1_000);
    assert.equal(refused(await admission.ask({ deadline: 1_000 })), "expired");
    // Learns that the quickest takes 20 ms.
    for (let i = 0; i < 30; i++) {
      const ticket = await admission.admit();
      await clock.advance(20);
      ticket.done();
    }
    const now = clock.monotonic();
    await admission.admit();
    assert.equal(refused(await admission.ask({ deadline: now + 15 })), "deadline");
    const waiting = admission.ask({ deadline: now + 45 });
    await clock.advance(24);
    assert.equal(admission.waiting, 1);
    await clock.advance(2);
    assert.equal(refused(await waiting), "deadline");
  });

  it("ends a wait that nobody wants any longer, with the signal's reason, and leaves no listener", async () => {
    const { admission } = setUp({ limit: 1 });
    const ticket = await admission.admit();
    const controller = new AbortController();
    const waiting = admission.admit({ signal: controller.signal });
    controller.abort(new Error("the client left"));
    await assert.rejects(waiting, (error) => {
      assert.ok(error instanceof OverloadError);
      assert.deepEqual([error.code, error.reason], ["CANCELLED", "cancelled"]);
      assert.equal((error.cause as Error).message, "the client left");
      return true;
    });
    await assert.rejects(admission.admit({ signal: controller.signal }), { reason: "cancelled" });
    assert.equal(admission.waiting, 0);
    ticket.done();
    assert.equal(admission.inFlight, 0);
  });

  it("closed refuses those that wait and those that come, and lets those that run finish", async () => {
    const { clock, admission } = setUp({ limit: 1 });
    const ticket = await admission.admit();
    const waiting = assert.rejects(admission.admit(), { code: "CLOSED", reason: "closed" });
    admission.close();
    admission.close();
    await waiting;
    await assert.rejects(admission.admit(), { reason: "closed" });
    ticket.done();
    assert.deepEqual([admission.inFlight, clock.pending], [0, 0]);
  });

  it("has at most so many started in a turn of the event loop where it is paced", async () => {
    const turns: (() => void)[] = [];
    const nextTurn = () => new Promise<void>((resolve) => turns.push(resolve));
    const { clock, admission } = setUp({ paced: true, turns: { nextTurn } });
    let running = 0;
    const asked = Array.from({ length: 6 }, () =>
      Promise.resolve(admission.ask()).then((answer) => {
        running++;
        if (answer.admitted) answer.done();
      }));
    const turn = async (tookMs: number) => {
      await clock.advance(tookMs);
      turns.shift()!();
      await clock.advance(0);
    };
    await clock.advance(0);
    assert.equal(running, 1);
    await turn(5);
    assert.equal(running, 2);
    await turn(5);
    assert.equal(running, 3);
    // A turn that was short: twice as many fit.
    await turn(0);
    assert.equal(running, 5);
    await turn(0);
    assert.equal(running, 6);
    await Promise.all(asked);
  });

  it("refuses priorities that are none, and options that make no sense", async () => {
    const { admission } = setUp();
    await assert.rejects(
      admission.admit({ priority: "urgent" as "normal" }),
      /priority must be one of critical, normal, sheddable, got "urgent"/,
    );
    assert.equal(admission.inFlight, 0);
    assert.throws(() => createAdmission({ limit: 0 }), RangeError);
    assert.throws(() => createAdmission({ queue: { maxLength: -1 } }), RangeError);
  });

  it("tells what it did, for an hour back", async () => {
    const { clock, admission } = setUp({ limit: 1, queue: { maxLength: 0 } });
    for (let i = 0; i < 5; i++) {
      const ticket = await admission.admit({ client: "a" });
      await assert.rejects(admission.admit({ client: "b", priority: "critical" }));
      await clock.advance(1_000);
      ticket.done();
    }
    const snapshot = admission.snapshot();
    assert.deepEqual(snapshot.refused, [{ reason: "full", priority: "critical", count: 5 }]);
    assert.deepEqual(snapshot.admitted[1], { priority: "normal", count: 5 });
    assert.deepEqual([snapshot.refusedLately, snapshot.admittedLately], [5, 5]);
    assert.deepEqual(snapshot.series.refused.map(([, count]) => count), [1, 1, 1, 1, 1]);
    assert.deepEqual(snapshot.clients, [{ client: "a", asked: 5, refused: 0 }, {
      client: "b",
      asked: 5,
      refused: 5,
    }]);
    assert.deepEqual(JSON.parse(JSON.stringify(snapshot)), snapshot);
  });
});

describe("exactly once", () => {
  it("each is let in or refused once and handed back once, whatever happens when", async () => {
    const asked = fc.record({
      gapMs: fc.nat(30),
      priority: fc.constantFrom(...PRIORITIES),
      client: fc.constantFrom("a", "b", "c"),
      deadlineMs: fc.option(fc.nat(200), { nil: undefined }),
      abortsAfterMs: fc.option(fc.nat(100), { nil: undefined }),
      takesMs: fc.nat(120),
      outcome: fc.constantFrom<TicketOutcome>("success", "failure", "timeout", "ignore"),
    });
    const options = fc.record({
      limit: fc.integer({ min: 1, max: 4 }),
      maxLength: fc.nat(6),
      fair: fc.boolean(),
      paced: fc.boolean(),
      closesAfter: fc.option(fc.nat(60), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(asked, { maxLength: 60 }), options, async (requests, options) => {
        const { limit, maxLength, fair, paced, closesAfter } = options;
        const { clock, admission, events } = setUp({ limit, paced, queue: { maxLength, fair } });
        const answers = new Map<number, number>();
        let [running, most] = [0, 0];
        for (const [index, request] of requests.entries()) {
          await clock.advance(request.gapMs);
          if (index === closesAfter) admission.close();
          const controller = new AbortController();
          const { abortsAfterMs, deadlineMs, priority, client } = request;
          if (abortsAfterMs !== undefined) clock.schedule(abortsAfterMs, () => controller.abort());
          const deadline = deadlineMs === undefined ? undefined : clock.monotonic() + deadlineMs;
          const signal = controller.signal;
          void Promise.resolve(admission.ask({ priority, client, deadline, signal })).then((answer) => {
            answers.set(index, (answers.get(index) ?? 0) + 1);
            if (!answer.admitted) return;
            most = Math.max(most, ++running);
            clock.schedule(request.takesMs, () => {
              running--;
              answer.done(request.outcome);
            });
          });
          assert.ok(admission.inFlight <= limit && admission.waiting <= maxLength);
        }
        await clock.advance(60_000);
        assert.equal(answers.size, requests.length);
        assert.ok([...answers.values()].every((times) => times === 1));
        assert.ok(most <= limit);
        assert.deepEqual([admission.inFlight, admission.waiting, clock.pending], [0, 0, 0]);
        if (closesAfter !== undefined && closesAfter < requests.length) return;
        const count = (type: string) => events.filter((event) => event.type === type).length;
        assert.equal(count("admitted") + count("refused"), requests.length);
        assert.equal(count("done"), count("admitted"));
      }),
      { numRuns: 60 },
    );
  });
});
