import type { RecordType } from "../platform/port.ts";

/** What happens in a cache, for programs. Address changes, of the hosts table too, are `changed`. */
export type DnsEvent =
  /** The first answer for a record, or the first after it was lost. */
  | {
    readonly type: "resolved";
    readonly name: string;
    readonly record: RecordType;
    readonly addresses: readonly string[];
  }
  /** A record was confirmed: the same addresses, in whatever order. */
  | { readonly type: "refreshed"; readonly name: string; readonly record: RecordType }
  /** The addresses of a record are others than before; none are left when the name ceased to exist. */
  | {
    readonly type: "changed";
    readonly name: string;
    readonly record: RecordType;
    readonly addresses: readonly string[];
    readonly added: readonly string[];
    readonly removed: readonly string[];
  }
  /** A lookup found that there is no such name or record. */
  | {
    readonly type: "absent";
    readonly name: string;
    readonly record: RecordType;
    readonly verdict: "nonexistent" | "empty";
  }
  /** A lookup failed; what was held, if anything, is still served. */
  | {
    readonly type: "failed";
    readonly name: string;
    readonly record: RecordType;
    readonly reason: string;
    /** Whether addresses are still served. */
    readonly held: boolean;
  }
  /** Addresses are past their time: served as stale, or (`expired`) no longer. */
  | { readonly type: "stale" | "expired"; readonly name: string; readonly record: RecordType }
  /** A name is held no more: nobody asked for it, there were too many, or the hosts table has it now. */
  | { readonly type: "dropped"; readonly name: string; readonly why: "idle" | "full" | "hosts" };

/** What two lists of addresses do not share; undefined when they are the same set. */
export function difference(
  before: readonly string[],
  after: readonly string[],
): { readonly added: readonly string[]; readonly removed: readonly string[] } | undefined {
  const added = after.filter((address) => !before.includes(address));
  const removed = before.filter((address) => !after.includes(address));
  return added.length === 0 && removed.length === 0 ? undefined : { added, removed };
}
