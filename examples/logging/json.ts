/**
 * Records for machines, a line of JSON each, with the trace they belong to:
 *
 *     deno run --allow-env examples/logging/json.ts
 */

import { consoleSink, createLog, jsonFormatter } from "@ballast/runtime/log";
import { checkout } from "./checkout.ts";

await using log = createLog({
  logger: consoleSink({ formatter: jsonFormatter() }),
  levels: { "": "info" },
  // Asked for each record that is kept: here always the same, in a service that of the request.
  ambient: () => ({ traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" }),
});

await checkout(log);
