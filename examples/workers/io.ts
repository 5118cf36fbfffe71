/**
 * A client that blocks, off the event loop: `deno run -A examples/workers/io.ts`, or on Node 22 and later once it is compiled.
 * A hundred queries go to the threads of the "io" pool, while a timer shows that the event loop goes on.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRuntime } from "@ballast/runtime";
import { createOrders, spentBy } from "./io_tasks.ts";

const folder = mkdtempSync(join(tmpdir(), "ballast-io-"));
const path = join(folder, "orders.db");
const runtime = createRuntime({ name: "io-demo", workers: { io: { size: 4 } } });
try {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const total = await runtime.context.run(async () => {
    await createOrders(path, 20_000);
    const spent = await Promise.all(
      Array.from({ length: 100 }, (_, index) => spentBy(path, `customer ${index}`)),
    );
    return spent.reduce((sum, cents) => sum + cents, 0);
  });
  clearInterval(timer);
  const [fn] = runtime.workers.io.snapshot().functions.filter(({ name }) => name === "spentBy");
  console.log(
    `spent ${total} cents; ${fn!.counts.succeeded} queries, ${ticks} ticks of the event loop meanwhile`,
  );
} finally {
  await runtime.close();
  rmSync(folder, { recursive: true });
}
