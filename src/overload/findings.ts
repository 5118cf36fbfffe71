/**
 * What is wrong when load is shed, and what to do about it.
 *
 * @module
 */

import type { Finding } from "../report.ts";
import type { ShedderSnapshot } from "./shedder.ts";

/** A share of refusals in the last minute that is worth telling, and one that hurts everybody. */
const SHARE = 0.001;
const SHARE_CRITICAL = 0.2;
/** So many times its baseline, a latency is that of something slow. */
const SLOW = 2;
/** A client that sends such a share of everything is the load. */
const ONE_CLIENT = 0.5;
/** Fewer requests than this are nobody's majority. */
const ONE_CLIENT_LEAST = 100;

/** What a shedder has found. */
export function overloadFindings(snapshot: ShedderSnapshot): Finding[] {
  return [...shedding(snapshot), ...lowestLimit(snapshot), ...oneClient(snapshot)];
}

function shedding(snapshot: ShedderSnapshot): Finding[] {
  const { refusedLately, admittedLately, overloadedAt, refused } = snapshot;
  const share = refusedLately / (refusedLately + admittedLately);
  if (refusedLately === 0 || share < SHARE) return [];
  const critical = refused.some(({ priority, reason }) => priority === "critical" && reason !== "expired");
  const reasons = [...refused].sort((a, b) => b.count - a.count).slice(0, 3)
    .map(({ reason, priority, count }) => `${count} ${priority} for "${reason}"`);
  return [{
    id: "overload-shedding",
    severity: share >= SHARE_CRITICAL ? "critical" : "warning",
    title: "Requests are refused",
    evidence: `${refusedLately} of ${refusedLately + admittedLately} in the last minute (${
      (share * 100).toFixed(1)
    } %); since the start ${reasons.join(", ")}${critical ? ", critical ones among them" : ""}.`,
    likelyCause: cause(snapshot),
    remedy: isSlow(snapshot)
      ? "Look at what the handlers call. Until it is well the limit keeps the rest responsive."
      : "Add processes, move computing to workers (cpuBound), or have callers send less: Retry-After tells them when.",
    since: overloadedAt ?? undefined,
  }];
}

function cause(snapshot: ShedderSnapshot): string {
  const { limit, inFlight } = snapshot;
  if (isSlow(snapshot)) {
    return `What the handlers wait for has become slow: the median is ${
      ms(limit.latencyMs!)
    }, without load it is ${ms(limit.baselineMs!)}.`;
  }
  return inFlight >= limit.limit
    ? "More requests come than can run at a time, and more at a time would only be slower."
    : "More requests come than the event loop gets done: handlers compute on it.";
}

function isSlow({ limit: { latencyMs, baselineMs } }: ShedderSnapshot): boolean {
  return latencyMs !== null && baselineMs !== null && latencyMs > SLOW * baselineMs;
}

function lowestLimit({ limit, inFlight, waiting }: ShedderSnapshot): Finding[] {
  if (limit.limit > limit.min || limit.min === limit.max || inFlight < limit.limit || waiting === 0) {
    return [];
  }
  return [{
    id: "overload-lowest-limit",
    severity: "warning",
    title: "The limit is as low as it may become",
    evidence: `${limit.limit} may run at a time, ${waiting} wait; the median latency is ${
      limit.latencyMs === null ? "not known" : ms(limit.latencyMs)
    }.`,
    likelyCause: "What the handlers call is slow or times out, whatever is sent to it.",
    remedy: "Repair that. The limit grows again by itself.",
  }];
}

function oneClient({ clients, refusedLately }: ShedderSnapshot): Finding[] {
  const asked = clients.reduce((sum, client) => sum + client.asked, 0);
  const [first] = clients;
  if (refusedLately === 0 || clients.length < 2 || asked < ONE_CLIENT_LEAST) return [];
  if (first!.asked < ONE_CLIENT * asked) return [];
  return [{
    id: "overload-one-client",
    severity: "info",
    title: "One client sends most of the requests",
    evidence: `"${first!.client}" sent ${first!.asked} of ${asked}, ${first!.refused} were refused.`,
    likelyCause: "A client that retries without a pause, or a batch that is not marked as sheddable.",
    remedy: "Clients are served in turn, so the others are kept from harm. Have this one slow down.",
  }];
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
