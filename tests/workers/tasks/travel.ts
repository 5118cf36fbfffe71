/** What travels with calls. */

import { createKey, currentContext, type Key } from "@ballast/runtime/context";
import { cpuBound } from "@ballast/runtime/workers";

export class Money {
  readonly cents: number;

  constructor(cents: number) {
    this.cents = cents;
  }
}

export const tenant: Key<string | undefined> = createKey<string>("tests.tenant", { travels: true });
export const limits: Key<{ rows: number }> = createKey("tests.limits", {
  default: { rows: 10 },
  travels: true,
});
export const budget: Key<Money | undefined> = createKey<Money>("tests.budget", {
  travels: {
    encode(value) {
      if (value.cents < 0) throw new Error("no such budget");
      return value.cents;
    },
    decode: (data) => new Money(data as number),
  },
});
export const secret: Key<string | undefined> = createKey<string>("tests.secret");

export const seen = cpuBound(import.meta, "seen", () => {
  const context = currentContext()!;
  const money = context.get(budget);
  return {
    tenant: context.get(tenant),
    rows: context.get(limits).rows,
    cents: money instanceof Money ? money.cents : undefined,
    secret: context.get(secret),
  };
});

/** Asks, waits, and asks again: another call must not have come in between. */
export const seenTwice = cpuBound(import.meta, "seenTwice", async () => {
  const before = currentContext()!.get(tenant);
  await Promise.resolve();
  return [before, currentContext()!.get(tenant)];
});

const machines = new Map<string, ReturnType<ReturnType<typeof states>["start"]>>();

function states() {
  return currentContext()!.stats.stateStats("orders.states", { labels: { shop: "a" } });
}

/** Leads a machine of this worker through states. */
export const moved = cpuBound(import.meta, "moved", (id: string, to: string) => {
  const machine = machines.get(id);
  if (machine === undefined) machines.set(id, states().start(to));
  else if (to === "end") machine.end();
  else machine.to(to);
});
