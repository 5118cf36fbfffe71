/** A resolver that answers as a test says, in simulated time, and remembers what it was asked. */

import type { DnsAnswer, RecordType, Resolver } from "@ballast/runtime/dns";
import { type Clock, delay } from "@ballast/runtime";

/** An answer, at once or after a while; or none, ever. */
export type Script = DnsAnswer | { readonly afterMs: number; readonly answer: DnsAnswer } | "silence";

export interface ScriptedQuery {
  readonly name: string;
  readonly type: RecordType;
  readonly at: number;
  /** `address:port` of the server asked, "system" where none was given. */
  readonly server: string;
}

export interface ScriptedResolver extends Resolver {
  /** What to answer from now on. */
  script: (query: ScriptedQuery) => Script;
  readonly queries: ScriptedQuery[];
  /** Queries under way. */
  readonly open: number;
}

export const NONEXISTENT: DnsAnswer = { verdict: "nonexistent" };
export const EMPTY: DnsAnswer = { verdict: "empty" };
export const FAILED: DnsAnswer = { verdict: "failed", reason: "SERVFAIL" };
export const AMBIGUOUS: DnsAnswer = { verdict: "ambiguous", reason: "no records found" };

export function addresses(...list: string[]): DnsAnswer {
  return { verdict: "addresses", addresses: list };
}

/** Answers A queries with `list`, and says that there is no AAAA record. */
export function onlyV4(...list: string[]): (query: ScriptedQuery) => Script {
  return ({ type }) => type === "A" ? addresses(...list) : EMPTY;
}

export function scriptedResolver(clock: Clock, script: (query: ScriptedQuery) => Script): ScriptedResolver {
  const queries: ScriptedQuery[] = [];
  let open = 0;
  const resolver: ScriptedResolver = {
    name: "scripted",
    script,
    queries,
    get open() {
      return open;
    },
    async query(name, type, { server, signal }) {
      const query = {
        name,
        type,
        at: clock.monotonic(),
        server: server ? `${server.address}:${server.port ?? 53}` : "system",
      };
      queries.push(query);
      open++;
      try {
        const script = resolver.script(query);
        if (script === "silence") return await delay(3_600_000, { clock, signal }).then(() => FAILED);
        if (!("afterMs" in script)) return script;
        await delay(script.afterMs, { clock, signal });
        return script.answer;
      } finally {
        open--;
      }
    },
  };
  return resolver;
}
