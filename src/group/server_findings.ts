/** What is wrong with a set of servers. */

import type { Finding } from "../report.ts";
import type { RefusalReason } from "./server_counts.ts";
import type { ListenerSnapshot, ServerSetSnapshot, TlsSnapshot } from "./server_snapshot.ts";

/** A refusal is news for so long. */
const NEWS_MS = 300_000;
const DAY_MS = 86_400_000;
/** Days before a certificate's end from which somebody should know. */
const EXPIRY_DAYS = 14;

interface Advice {
  readonly title: string;
  readonly limit: string;
  readonly likelyCause: string;
  readonly remedy: string;
}

/** What each refusal means. Those that are only some client's own fault are no finding. */
const ADVICE: Readonly<Partial<Record<RefusalReason, Advice>>> = {
  "queue full": {
    title: "Connections are closed because the accept queue is full",
    limit: "acceptQueueMaxLength",
    likelyCause:
      "All places are taken: requests take too long, or more clients come than one process can serve.",
    remedy: "Look at what is slow first; then raise maxConnections, or run more workers.",
  },
  "queue timeout": {
    title: "Connections wait too long for a place",
    limit: "headersTimeoutMs",
    likelyCause: "All places are taken by requests that do not end.",
    remedy: "Look at what is slow; lower requestTimeoutMs, or raise maxConnections.",
  },
  "client limit": {
    title: "A client address has as many connections as it may",
    limit: "maxConnectionsPerClient",
    likelyCause: "A client without a pool, a flood, or a proxy that stands for many clients.",
    remedy: "Find the address in the table of clients; raise the limit if it is a proxy of yours.",
  },
  "header timeout": {
    title: "Requests whose headers do not come are cut",
    limit: "headersTimeoutMs",
    likelyCause: "Slow clients, connections opened in advance, or an attack by slow headers (slow loris).",
    remedy: "Look at the clients with the most connections; set maxConnectionsPerClient.",
  },
  "body length": {
    title: "Requests are refused because their bodies are too long",
    limit: "maxBodyBytes",
    likelyCause: "An upload that nobody thought of, or somebody who tries what you take.",
    remedy: "Raise maxBodyBytes of that listener if such requests are right.",
  },
  "header length": {
    title: "Requests are refused because their headers are too long",
    limit: "maxHeaderBytes",
    likelyCause: "Cookies that have grown, or tokens in headers.",
    remedy: "Make them smaller, or raise maxHeaderBytes.",
  },
  "body timeout": {
    title: "Requests whose bodies do not come are cut",
    limit: "bodyTimeoutMs",
    likelyCause: "Clients on slow lines with large uploads, or an attack by slow bodies.",
    remedy: "Raise bodyTimeoutMs of that listener if such uploads are right.",
  },
  "request timeout": {
    title: "The app does not answer in time",
    limit: "requestTimeoutMs",
    likelyCause: "It waits for something slow without a time limit of its own.",
    remedy: "Look at the slow requests; give what it calls a deadline.",
  },
  "send timeout": {
    title: "Clients do not take their responses",
    limit: "sendTimeoutMs",
    likelyCause: "Clients that hang, or an attack by slow reading.",
    remedy: "Look at the clients with the most connections.",
  },
};

/** What is wrong. */
export function serverFindings({ at, listeners }: ServerSetSnapshot): Finding[] {
  return listeners.flatMap((listener) => [
    ...refusalFindings(listener, at),
    ...listener.tls === undefined ? [] : tlsFindings(listener.name, listener.tls, at),
  ]);
}

function refusalFindings({ name, refused, limits }: ListenerSnapshot, at: number): Finding[] {
  return refused.flatMap(({ reason, count, lastAt }) => {
    const advice = ADVICE[reason];
    if (advice === undefined || at - lastAt > NEWS_MS) return [];
    const { title, limit, likelyCause, remedy } = advice;
    const value = limits[limit as keyof typeof limits];
    return [{
      id: `refused-${reason.replace(" ", "-")}-${name}`,
      severity: "warning",
      title: `${name}: ${title}`,
      evidence: `${count} times so far, by the limit ${limit} (${value}).`,
      likelyCause,
      remedy,
      since: lastAt,
    }];
  });
}

function tlsFindings(name: string, { expiresAt, subject, refused }: TlsSnapshot, at: number): Finding[] {
  const days = Math.floor((expiresAt - at) / DAY_MS);
  const findings: Finding[] = [];
  if (refused !== undefined) {
    findings.push({
      id: `certificate-refused-${name}`,
      severity: "warning",
      title: `${name}: the certificate that is there now is not used`,
      evidence: `${refused.reason}. The one before is in force, for ${days} more days.`,
      likelyCause: "The files were replaced one after the other, or by something that is no certificate.",
      remedy: "Put a certificate there that is valid, with its own key; it is read again by itself.",
      since: refused.since,
    });
  }
  if (days < EXPIRY_DAYS) {
    findings.push({
      id: `certificate-expires-${name}`,
      severity: days < 3 ? "critical" : "warning",
      title: expiresAt <= at
        ? `${name}: the certificate has expired`
        : `${name}: the certificate expires soon`,
      evidence: `${subject} is valid until ${new Date(expiresAt).toISOString().slice(0, 10)}.`,
      likelyCause: "What renews it has stopped, or puts it somewhere else.",
      remedy: "Renew it; files that change are read again by themselves.",
    });
  }
  return findings;
}
