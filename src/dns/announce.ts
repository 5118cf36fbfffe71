/**
 * Says what came of a lookup: an event for programs, and a line in the log where something began or ended.
 *
 * @module
 */

import type { EventSource } from "../events.ts";
import type { Log } from "../log/mod.ts";
import { type Entry, isHeld, type Outcome } from "./entry.ts";
import { difference, type DnsEvent } from "./events.ts";
import type { CachedName, DnsRecord } from "./names.ts";
import { isFailure } from "./query.ts";

/** Says what came of a lookup of `record`, of which `before` was held, and which had failed `failedBefore` times in a row. */
export type Announce = (
  name: CachedName,
  record: DnsRecord,
  before: Entry,
  outcome: Outcome,
  failedBefore: number,
) => void;

/** Makes the voice of a cache. */
export function createAnnouncer(events: EventSource<DnsEvent>, log: Log): Announce {
  return (name, record, before, outcome, failedBefore) => {
    const common = { name: name.name, record: record.type };
    const held = isHeld(before) ? before.addresses : undefined;
    if (isFailure(outcome)) {
      events.emit({ type: "failed", ...common, reason: outcome.reason, held: held !== undefined });
      // Said once, when it begins: a dead server must not flood the log as well.
      if (held && failedBefore === 0) {
        log.warn(
          `${name.name} (${record.type}) cannot be refreshed, the addresses held are served on: ${outcome.reason}`,
          common,
        );
      }
      return;
    }
    if (held && failedBefore > 0) {
      log.info(`${name.name} (${record.type}) is refreshed again, after ${failedBefore} failures`, common);
    }
    const addresses = outcome.verdict === "addresses" ? outcome.addresses : [];
    if (held !== undefined) {
      const changes = difference(held, addresses);
      events.emit(
        changes ? { type: "changed", ...common, addresses, ...changes } : { type: "refreshed", ...common },
      );
      if (changes) {
        log.info(`${name.name} (${record.type}) has new addresses: ${addresses.join(", ")}`, common);
      }
    } else if (outcome.verdict === "addresses") events.emit({ type: "resolved", ...common, addresses });
    if (outcome.verdict !== "addresses") events.emit({ type: "absent", ...common, verdict: outcome.verdict });
  };
}
