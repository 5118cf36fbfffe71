/**
 * Records for a person at a terminal, without any configuration of LogTape:
 *
 *     deno run --allow-env examples/logging/terminal.ts
 *
 * With colours at a terminal, unless NO_COLOR is set.
 */

import { consoleSink, createLog } from "@ballast/runtime/log";
import { checkout } from "./checkout.ts";

await using log = createLog({
  logger: consoleSink(),
  // One part is too talkative, and may be quiet; from the meta app it can be made to talk again at any time.
  levels: { "ballast.shop.stock": "off" },
  // Names of secrets of your own, beside those that are known anyway.
  redact: { keys: ["iban"] },
  sampling: { first: 3 },
});

await checkout(log);
log.info("paid out", { payeeIban: "DE02 1203 0000 0000 2020 51", amount: 12.5 });
