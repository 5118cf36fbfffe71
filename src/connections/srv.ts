/**
 * Endpoints from SRV records (RFC 2782): priorities are tiers, weights are weights. What was answered last stays in force
 * while nothing newer is to be had.
 *
 * @module
 */

import { type Clock, detached, type Timer } from "../clock.ts";
import { normalizeName } from "../dns/name.ts";
import { BallastError, errorMessage, show } from "../errors.ts";
import type { SrvRecord } from "../platform/port.ts";
import { abortable, deadlineSignal } from "../signal.ts";
import type { TierPlace } from "./options.ts";

/** Asks for the SRV records of a name. Rejects where there are none. */
export type ResolveSrv = (name: string, signal: AbortSignal) => Promise<readonly SrvRecord[]>;

/** What following a name needs. */
export interface SrvOptions {
  readonly name: string;
  readonly resolve: ResolveSrv;
  readonly clock: Clock;
  /** Told of the tiers, when they have changed. */
  readonly onTiers: (tiers: readonly (readonly TierPlace[])[]) => void;
}

/** A name whose SRV records are followed. */
export interface SrvWatch {
  readonly name: string;
  /** Resolves once there are records; rejects when the first query fails, or with the signal's reason. */
  resolve(signal: AbortSignal): Promise<void>;
  /** Why the last query failed; undefined where it did not. */
  readonly reason?: string;
  /** Ends it. */
  close(): void;
}

const REFRESH_MS = 30_000;
/** After a failure. */
const RETRY_MS = 5_000;
const TIMEOUT_MS = 5_000;
const JITTER = 0.1;

/** Checks a name such as `_http._tcp.shop.internal`. */
export function checkSrvName(name: unknown): string {
  if (typeof name !== "string" || !/^_[^.]+\._[^.]+\../.test(name)) {
    throw new TypeError(`srv must be a name such as "_http._tcp.shop.internal", got ${show(name)}`);
  }
  // The first two labels begin with an underscore, which no host's name does.
  const [service, protocol, ...host] = name.split(".");
  return `${service}.${protocol}.${normalizeName(host.join("."))}`.toLowerCase();
}

/** Follows the SRV records of a name. Nothing is asked before somebody wants to know. */
export function watchSrv({ name, resolve, clock, onTiers }: SrvOptions): SrvWatch {
  const closing = new AbortController();
  let known = "";
  let reason: string | undefined;
  let timer: Timer | undefined;
  let asking: Promise<void> | undefined;

  function ask(): Promise<void> {
    return asking ??= query().finally(() => {
      asking = undefined;
      if (closing.signal.aborted) return;
      timer?.cancel();
      const ms = (reason === undefined ? REFRESH_MS : RETRY_MS) * (1 - JITTER + 2 * JITTER * clock.random());
      timer = detached(() => clock.schedule(ms, () => void ask().catch(() => {})));
    });
  }

  async function query(): Promise<void> {
    const deadline = deadlineSignal(TIMEOUT_MS, {
      clock,
      signal: closing.signal,
      what: `the SRV records of ${name}`,
      keepAlive: false,
    });
    try {
      const records = await abortable(resolve(name, deadline.signal), deadline.signal);
      const tiers = tiersOf(records);
      if (tiers.length === 0) throw new BallastError("NAME_NOT_FOUND", `${name} has no SRV records`);
      reason = undefined;
      const text = JSON.stringify(tiers);
      if (text === known || closing.signal.aborted) return;
      known = text;
      onTiers(tiers);
    } catch (error) {
      reason = errorMessage(error);
      throw error;
    } finally {
      deadline.release();
    }
  }

  return {
    name,
    async resolve(signal) {
      if (known === "") await abortable(ask(), signal);
    },
    get reason() {
      return reason;
    },
    close() {
      closing.abort(new BallastError("CLOSED", "the SRV records are followed no more"));
      timer?.cancel();
    },
  };
}

/** Records as tiers, the lowest priority first. A target of "." says that there is no such service. */
export function tiersOf(records: readonly SrvRecord[]): TierPlace[][] {
  const tiers = new Map<number, TierPlace[]>();
  for (const { priority, weight, port, target } of records) {
    const host = target.replace(/\.$/, "");
    if (host === "" || port < 1) continue;
    const place = { transport: "tcp", host: normalizeName(host), port } as const;
    const tier = tiers.get(priority) ?? [];
    tier.push({ place, weight });
    tiers.set(priority, tier);
  }
  return [...tiers].sort(([a], [b]) => a - b).map(([, tier]) =>
    // In the same order each time: servers rotate their records.
    tier.sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
  );
}
