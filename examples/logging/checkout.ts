/** What the examples log: an order that is paid for, with all that can happen on the way. */

import { delay } from "@ballast/runtime";
import type { Log } from "@ballast/runtime/log";

/** Takes an order. Nothing here knows where the records go, and no secret in them gets there. */
export async function checkout(log: Log): Promise<void> {
  const shop = log.child("shop");
  shop.info("order received", { order: 4711, items: 3, customer: { id: 42, token: "t0p-s3cret" } });
  await charge(shop.child("payment"));
  shop.warn("stock is low", { article: "teapot", left: 2 });

  // A thousand alike: the first few are kept, and one record says how many more there were.
  for (let i = 0; i < 1_000; i++) shop.child("cache").debug(`miss for article ${i}`);
  shop.error("order not completed", { order: 4711, reason: "payment" });
}

/** Each attempt is one record and one timing, whether it ends well or badly. */
async function charge(log: Log): Promise<void> {
  const first = log.begin("payment.charge", { provider: "pay.internal", attempt: 1 }, {
    labels: ["provider"],
  });
  await delay(25);
  const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.7:443"), { code: "ECONNREFUSED" });
  first.failure(new Error("no answer from https://shop:hunter2@pay.internal/charge", { cause: refused }));

  const second = log.begin("payment.charge", { provider: "pay.internal", attempt: 2 }, {
    labels: ["provider"],
  });
  await delay(3);
  second.success({ authorization: "Bearer abc.def", approved: true });
}
