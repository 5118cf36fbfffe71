import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createStateStats, createStats, type StatesSnapshot } from "@ballast/runtime/stats";
import { simulatedClock } from "@ballast/runtime/testing";
import fc from "fast-check";

const STATES = ["connecting", "pooled", "in use", "closed"];

/** What happens, one after the other: some time passes, then a machine begins, goes on, or ends. */
const histories = fc.array(
  fc.record({
    afterMs: fc.nat({ max: 1_000 }),
    machine: fc.nat({ max: 5 }),
    state: fc.constantFrom(...STATES),
    what: fc.constantFrom("go", "go", "go", "end", "reset"),
  }),
  { maxLength: 100 },
);

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.max(1, expected), `${actual}, not ${expected}`);
}

const total = ({ states }: StatesSnapshot) => states.reduce((sum, { totalMs }) => sum + totalMs, 0);

describe("states", () => {
  it("have times that add up to the time of all machines, at every moment", async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const clock = simulatedClock();
        const stats = createStateStats({ clock });
        const machines = new Map<number, ReturnType<typeof stats.start>>();
        let wallMs = 0;
        for (const { afterMs, machine, state, what } of history) {
          await clock.advance(afterMs);
          wallMs += machines.size * afterMs;
          near(total(stats.snapshot()), wallMs);
          near(stats.snapshot().lifetimeMs, wallMs);
          const known = machines.get(machine);
          if (what === "reset") {
            stats.reset();
            wallMs = 0;
          } else if (known === undefined) machines.set(machine, stats.start(state));
          else if (what === "go") known.to(state);
          else {
            known.end();
            machines.delete(machine);
          }
          assert.equal(stats.machines, machines.size);
          assert.equal(stats.snapshot().states.reduce((sum, { current }) => sum + current, 0), machines.size);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("merge as if all machines had been counted by one", async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const clock = simulatedClock();
        const make = () => createStateStats({ clock });
        const [all, left, right] = [make(), make(), make()];
        const machines = new Map<number, ReturnType<typeof all.start>[]>();
        for (const { afterMs, machine, state, what } of history) {
          await clock.advance(afterMs);
          const known = machines.get(machine);
          if (known === undefined) {
            machines.set(machine, [all, machine % 2 === 0 ? left : right].map((stats) => stats.start(state)));
          } else if (what === "end") {
            known.forEach((each) => each.end());
            machines.delete(machine);
          } else known.forEach((each) => each.to(state));
        }
        const merged = make();
        merged.merge(left);
        merged.merge(right.snapshot());
        const sorted = ({ states, transitions, ...rest }: StatesSnapshot) => ({
          ...rest,
          states: states.map(({ state, current, entered, stays }) => ({
            state,
            current,
            entered,
            stays: stays.buckets,
          }))
            .sort((a, b) => a.state < b.state ? -1 : 1),
          transitions: transitions.map((each) => JSON.stringify(each)).sort(),
        });
        const [{ lifetimeMs, ...merged_ }, { lifetimeMs: expected, ...all_ }] = [merged, all].map((stats) =>
          sorted(stats.snapshot())
        ) as [ReturnType<typeof sorted>, ReturnType<typeof sorted>];
        assert.deepEqual(merged_, all_);
        near(lifetimeMs, expected);
        near(total(merged.snapshot()), total(all.snapshot()));
      }),
      { numRuns: 50 },
    );
  });

  it("know how they go from one to another, and how long a stay is", async () => {
    const clock = simulatedClock();
    const stats = createStateStats({ clock });
    const machine = stats.start("connecting");
    await clock.advance(30);
    machine.to("pooled");
    await clock.advance(100);
    machine.to("in use");
    await clock.advance(5);
    machine.to("pooled");
    assert.equal(machine.state, "pooled");
    machine.end();
    machine.end();
    machine.to("closed");
    const { started, ended, states, transitions } = stats.snapshot();
    assert.deepEqual([started, ended], [1, 1]);
    assert.deepEqual(
      states.map(({ state, entered, current, stays }) => [state, entered, current, stays.max]),
      [
        ["connecting", 1, 0, 30],
        ["pooled", 2, 0, 100],
        ["in use", 1, 0, 5],
      ],
    );
    assert.deepEqual(transitions, [
      { from: "connecting", to: "pooled", count: 1 },
      { from: "pooled", to: "in use", count: 1 },
      { from: "in use", to: "pooled", count: 1 },
    ]);
  });

  it("take moments that were read, and never count one twice when they come out of order", () => {
    const stats = createStateStats({ clock: { now: () => 0, monotonic: () => 100 } });
    const [one, two] = [stats.start("a", 0), stats.start("a", 0)];
    one.to("b", 50);
    two.to("b", 20);
    two.end(60);
    const snapshot = stats.snapshot();
    assert.equal(total(snapshot), snapshot.lifetimeMs);
    assert.equal(snapshot.lifetimeMs, 160);
  });

  it("are bounded in number and length", () => {
    const stats = createStateStats({ maxStates: 3 });
    for (let i = 0; i < 10; i++) stats.start(`state ${i}`).to("x".repeat(1_000));
    const { states } = stats.snapshot();
    assert.deepEqual(states.map(({ state }) => state.slice(0, 7)), [
      "state 0",
      "xxxxxxx",
      "state 1",
      "other",
    ]);
    assert.equal(states[1]?.state.length, 51);
    assert.equal(states[3]?.current, 0);
  });

  it("are in a registry, and go out as seconds, transitions and numbers", async () => {
    const clock = simulatedClock();
    const stats = createStats({ clock });
    const connection = stats.stateStats("connection", { help: "Connections" }).start("connecting");
    assert.equal(stats.stateStats("connection"), stats.stateStats("connection"));
    await clock.advance(1_500);
    connection.to("pooled");
    const text = stats.openMetrics();
    for (
      const line of [
        "# TYPE ballast_connection_state_seconds counter",
        'ballast_connection_state_seconds_total{state="connecting"} 1.5',
        'ballast_connection_transitions_total{from="connecting",to="pooled"} 1',
        'ballast_connection_current{state="connecting"} 0',
        'ballast_connection_current{state="pooled"} 1',
      ]
    ) assert.ok(text.includes(`\n${line}\n`), line);
    assert.throws(() => stats.counter("connection.transitions"), TypeError);
  });
});
