import assert from "node:assert/strict";
import { test } from "node:test";

import { backends } from "./support.ts";
import { soak } from "./soak.ts";

for (const backend of backends) {
  test(`${backend}: 20,000 mixed calls with aborts, time limits and crashes: the books balance`, async () => {
    const { outcomes, workersLost } = await soak(backend, 20_000, 2_500);
    assert.ok(outcomes.succeeded! > 19_000, JSON.stringify(outcomes));
    assert.ok(outcomes.aborted! > 0 && workersLost > 0, JSON.stringify({ outcomes, workersLost }));
    assert.equal(outcomes.lost, 3, "the calls that crashed their workers, and no neighbour");
  });
}
