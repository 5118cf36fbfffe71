/**
 * Two servers behind one name; one of them dies, and nobody notices: `deno run --allow-net examples/connections/failover.ts`.
 *
 * @module
 */

import { createRuntime } from "@ballast/runtime";
import { bufferedConnection, type ConnectionManager } from "@ballast/runtime/connections";
import { startNetstringServer } from "./netstring_server.ts";
import { readNetstring, writeNetstring } from "./netstring.ts";

/** Asks the endpoint `name` a question that may be asked twice, of another address where one fails. */
export async function ask(connections: ConnectionManager, name: string, question: string): Promise<string> {
  for (;;) {
    const lease = await connections.connect(name, { timeoutMs: 2_000 });
    try {
      const connection = bufferedConnection(lease, { timeoutMs: 500 });
      await writeNetstring(connection, question);
      const answer = await readNetstring(connection);
      lease.release();
      return answer;
    } catch (error) {
      // The address is to blame: a few of these, and it is left alone for a while. Trying again is for the budget to allow.
      lease.close(error);
      if (!connections.retries.withdraw()) throw error;
    }
  }
}

if (import.meta.main) {
  const first = await startNetstringServer((question) => `the first one heard "${question}"`);
  const second = await startNetstringServer((question) => `the second one heard "${question}"`);
  const runtime = createRuntime({
    connections: { endpoints: { echo: { tiers: [[first.address], [second.address]] } } },
  });
  console.log(await ask(runtime.connections, "echo", "hello"));
  await first.close();
  console.log(await ask(runtime.connections, "echo", "are you there?"));
  console.log(runtime.connections.report().findings?.map(({ title }) => title).join("\n"));
  await runtime.close();
  await second.close();
}
