/** A client that blocks: SQLite, kept by the thread that opened it. Needs Deno, or Node 22. */

import { DatabaseSync } from "node:sqlite";
import { ioBound } from "@ballast/runtime/workers";

/** Each thread has connections of its own. */
const open = new Map<string, DatabaseSync>();

function database(path: string): DatabaseSync {
  let found = open.get(path);
  if (found === undefined) {
    found = new DatabaseSync(path);
    found.exec("PRAGMA journal_mode = wal; PRAGMA busy_timeout = 5000");
    open.set(path, found);
  }
  return found;
}

export const createOrders = ioBound(import.meta, "createOrders", (path: string, count: number) => {
  const db = database(path);
  db.exec("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, customer TEXT, cents INTEGER); BEGIN");
  const insert = db.prepare("INSERT INTO orders (customer, cents) VALUES (?, ?)");
  for (let index = 0; index < count; index++) insert.run(`customer ${index % 100}`, index);
  db.exec("COMMIT");
  return count;
});

/** Reading may be done twice: where a thread is lost, another one does it. */
export const spentBy = ioBound(import.meta, "spentBy", (path: string, customer: string) => {
  const row = database(path).prepare("SELECT SUM(cents) AS cents FROM orders WHERE customer = ?").get(
    customer,
  );
  return Number((row as { cents: number | null }).cents ?? 0);
}, { idempotent: true, timeoutMs: 10_000 });
