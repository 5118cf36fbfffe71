/**
 * What the name server remembers of its queries: a number per outcome, and the last few.
 *
 * @module
 */

import type { DnsOutcome, Transport } from "./dns_respond.ts";

/** One query. */
export interface DnsLogEntry {
  /** When it came, milliseconds since the epoch. */
  readonly at: number;
  /** The name asked for, "" when it could not be read. */
  readonly name: string;
  /** The record type asked for, "" when it could not be read. */
  readonly type: string;
  /** How it came. */
  readonly transport: Transport;
  /** What became of it. */
  readonly outcome: DnsOutcome;
}

/** Queries so far, by outcome and in all. */
export type DnsCounters = Readonly<Record<DnsOutcome | "total", number>>;

/** The memory itself. */
export interface DnsLog {
  /** Counts and remembers one query. */
  add(entry: DnsLogEntry): void;
  /** The counters as they stand. */
  counters(): DnsCounters;
  /** The last queries, oldest first. */
  entries(): readonly DnsLogEntry[];
}

/** Makes an empty log that remembers the last `capacity` queries. */
export function createDnsLog(capacity: number): DnsLog {
  const counts: Record<DnsOutcome | "total", number> = {
    total: 0,
    answered: 0,
    nodata: 0,
    nxdomain: 0,
    refused: 0,
    servfail: 0,
    formerr: 0,
    notimp: 0,
    badvers: 0,
    truncated: 0,
    delayed: 0,
    dropped: 0,
    "wrong-id": 0,
    garbage: 0,
    ignored: 0,
  };
  const ring: DnsLogEntry[] = [];
  return {
    add(entry) {
      // Until the ring is full its next place is its end; then it is the oldest entry's.
      ring[counts.total % capacity] = entry;
      counts.total++;
      counts[entry.outcome]++;
    },
    counters: () => ({ ...counts }),
    entries() {
      const oldest = counts.total > capacity ? counts.total % capacity : 0;
      return [...ring.slice(oldest), ...ring.slice(0, oldest)];
    },
  };
}
