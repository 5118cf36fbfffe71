/**
 * A program that logs with LogTape: it configures where records go, Ballast's and its own, once.
 *
 *     deno run --allow-env examples/logging/logtape.ts
 */

import { createRuntime } from "@ballast/runtime";
import { consoleSink, jsonFormatter, textFormatter } from "@ballast/runtime/log";
import { configure, getLogger, type Sink } from "@logtape/logtape";
import { checkout } from "./checkout.ts";

/** Any sink will do; this one counts what a file would get. */
let bytes = 0;
const format = jsonFormatter();
const file: Sink = (record) => void (bytes += format(record).length);

await configure({
  sinks: { console: consoleSink({ formatter: textFormatter({ time: "none", categoryWidth: 22 }) }), file },
  loggers: [
    { category: "app", lowestLevel: "info", sinks: ["console"] },
    { category: "ballast", lowestLevel: "warning", sinks: ["console", "file"] },
    { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["console"] },
  ],
});

await using runtime = createRuntime({ name: "shop" });
getLogger(["app", "main"]).info("{user} opens the {what}", { user: "ada", what: "shop" });
await checkout(runtime.log);
getLogger(["app", "main"]).info("a file would have {bytes} bytes", { bytes });
