import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Outcomes, type Phase, quantile, refusedOf, simulate } from "./simulation.ts";

/** Ten servers of 20 ms. */
const CAPACITY = 500;
const times = (load: number, ms: number, more: Partial<Phase> = {}): Phase => ({
  ms,
  perSecond: load * CAPACITY,
  ...more,
});
const throughput = ({ served }: Outcomes, ms: number) => served / (ms / 1_000) / CAPACITY;

describe("a service under simulated load", () => {
  it("refuses nothing at 0.8x", async () => {
    const { phases: [calm] } = await simulate({ phases: [times(0.8, 20_000)] });
    assert.equal(refusedOf(calm!), 0);
    assert.ok(calm!.arrived > 7_000);
  });

  it("keeps its throughput and its latency on a ramp to 20x and back", async () => {
    const loads = [0.5, 1, 3, 10, 20, 3, 0.5];
    const { phases } = await simulate({ phases: loads.map((load) => times(load, 4_000)) });
    for (const [index, phase] of phases.entries()) {
      const said = `${loads[index]}x`;
      assert.ok(throughput(phase, 4_000) >= Math.min(1, loads[index]!) * 0.93, said);
      assert.ok(quantile(phase.latencies, 0.99) < 150, said);
      // Twice what is needed at most: the limit converges, whatever the load.
      assert.ok(loads[index]! < 1 || phase.highest < 45, said);
      assert.ok(phase.lowest >= 10, said);
    }
    assert.equal(refusedOf(phases.at(-1)!), 0);
  });

  it("sends less to a slow backend, and recovers within seconds", async () => {
    const { phases: [, slow, again, well] } = await simulate({
      phases: [
        times(0.8, 5_000),
        times(0.8, 20_000, { serviceMs: 200 }),
        times(0.8, 5_000),
        times(0.8, 5_000),
      ],
    });
    assert.ok(slow!.lowest < 10, `${slow!.lowest}`);
    // A tenth of the capacity is left, and most of that is used.
    assert.ok(throughput(slow!, 20_000) > 0.06);
    assert.ok(refusedOf(again!) < 0.1 * again!.arrived);
    assert.ok(refusedOf(well!) < 0.01 * well!.arrived);
    assert.ok(quantile(well!.latencies, 0.99) < 100);
  });

  it("does not creep up while everything times out after the same time", async () => {
    const { phases: [before, dead, well] } = await simulate({
      phases: [
        times(0.8, 5_000),
        times(0.8, 60_000, { serviceMs: 1_000, timesOut: true }),
        times(0.8, 20_000),
      ],
    });
    assert.equal(dead!.limit, 4);
    assert.ok(dead!.highest <= before!.limit);
    assert.ok(well!.limit > 10 && well!.served > 0.9 * well!.arrived);
  });

  it("does not creep up while everything is answered too late", async () => {
    const { phases: [before, late] } = await simulate({
      phases: [
        times(0.8, 5_000, { deadlineMs: 500 }),
        times(0.8, 60_000, { serviceMs: 1_000, deadlineMs: 500 }),
      ],
    });
    assert.equal(late!.limit, 4);
    assert.ok(late!.highest <= before!.limit);
  });

  it("leaves the limit where it is through idle hours", async () => {
    const { phases: [before, nothing, little, after] } = await simulate({
      phases: [
        times(0.8, 5_000),
        { ms: 6 * 3_600_000, perSecond: 0 },
        { ms: 3_600_000, perSecond: 0.5 },
        times(0.8, 5_000),
      ],
    });
    for (const idle of [nothing!, little!]) {
      assert.deepEqual([idle.lowest, idle.highest], [before!.limit, before!.limit]);
      assert.equal(refusedOf(idle), 0);
    }
    assert.equal(refusedOf(after!), 0);
  });

  it("takes short bursts in without a refusal", async () => {
    const bursts = Array.from({ length: 10 }, () => [times(4, 20), times(0.3, 500)]).flat();
    const { phases } = await simulate({ phases: [times(0.5, 2_000), ...bursts] });
    assert.equal(phases.reduce((sum, phase) => sum + refusedOf(phase), 0), 0);
  });

  it("keeps clients from one that sends fifty times as much", async () => {
    const others = ["a", "b", "c", "d"].map((client) => ({ client }));
    const sources = [{ client: "flood", share: 50 }, ...others];
    const phases = [times(4, 10_000)];
    const share = ({ by }: Outcomes, client: string) => by.get(client)!.served / by.get(client)!.arrived;
    const fair = await simulate({ sources, phases, admission: { queue: { fair: true } } });
    const unfair = await simulate({ sources, phases });
    for (const { client } of others) {
      assert.ok(share(fair.phases[0]!, client) > 0.97, `${client} ${share(fair.phases[0]!, client)}`);
      assert.ok(share(unfair.phases[0]!, client) < 0.6);
    }
    assert.ok(throughput(fair.phases[0]!, 10_000) > 0.93);
    assert.equal(fair.snapshot.clients[0]!.client, "flood");
  });

  it("refuses critical requests last, and sheddable ones first", async () => {
    const { phases: [, three, ten] } = await simulate({
      sources: [
        { priority: "critical", share: 1 },
        { priority: "normal", share: 4 },
        { priority: "sheddable", share: 15 },
      ],
      phases: [times(0.5, 2_000), times(3, 8_000), times(10, 8_000)],
    });
    const share = ({ by }: Outcomes, priority: string) =>
      by.get(priority)!.served / by.get(priority)!.arrived;
    assert.ok(share(three!, "critical") > 0.99);
    assert.ok(share(three!, "normal") > 0.95);
    assert.ok(share(three!, "sheddable") < 0.3);
    assert.ok(share(ten!, "critical") > 0.99);
    assert.ok(share(ten!, "normal") > 0.15);
    assert.ok(share(ten!, "sheddable") < 0.02);
  });

  it("is the same run with the same seed, and another one with another", async () => {
    const service = { phases: [times(3, 1_000)], sources: [{ client: "a" }, { client: "b" }] };
    const [one, same, other] = await Promise.all([7, 7, 8].map((seed) => simulate({ ...service, seed })));
    assert.ok(one!.journal.length > 1_000);
    assert.deepEqual(one!.journal, same!.journal);
    assert.notDeepEqual(one!.journal, other!.journal);
  });
});
