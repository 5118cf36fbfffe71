/** What is taken off the event loop. A module of its own: workers load it. */

import { scryptSync } from "node:crypto";
import { cpuBound } from "@ballast/runtime/workers";

/** The revenue in a report of orders. A summary, not the orders: what is returned is copied. */
export const revenue = cpuBound(
  import.meta,
  "revenue",
  (json: string) => (JSON.parse(json) as { cents: number }[]).reduce((sum, { cents }) => sum + cents, 0),
  { timeoutMs: 5_000, size: (json) => json.length },
);

/** A password's hash: slow on purpose. */
export const hashPassword = cpuBound(
  import.meta,
  "hashPassword",
  (password: string, salt: string) => scryptSync(password, salt, 64).toString("hex"),
  { timeoutMs: 5_000 },
);
