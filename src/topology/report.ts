/**
 * What a person should know of a topology: which version is in force, since when, and what is wrong with what is there now.
 *
 * @module
 */

import type { Cell, Finding, Report } from "../report.ts";
import type { TopologySnapshot, TopologyTrouble } from "./watcher.ts";

/** Makes the report of a topology. */
export function topologyReport(snapshot: TopologySnapshot): Report {
  const { source, version, hosts, endpoints, appliedAt, readAt, intervalMs } = snapshot;
  return {
    id: "topology",
    title: "Topology",
    summary: version === undefined ? "none is in force" : `${version} is in force, with ${hosts} names`,
    facts: [
      { label: "Source", value: source },
      { label: "Version in force", value: version ?? null },
      { label: "Names fixed", value: hosts },
      { label: "Endpoints", value: endpoints },
      { label: "In force since", value: moment(appliedAt) },
      { label: "Last read", value: moment(readAt) },
      { label: "Read every", value: { kind: "duration", ms: intervalMs }, hint: "give or take a tenth" },
    ],
    actions: [{ id: "reload", label: "Read now", fields: [] }],
    findings: snapshot.trouble.map((trouble) => finding(trouble, snapshot)),
  };
}

function moment(at: number | undefined): Cell {
  return at === undefined ? null : { kind: "time", at };
}

function finding({ kind, since, reasons }: TopologyTrouble, { source, version }: TopologySnapshot): Finding {
  const common = {
    id: `topology-${kind}`,
    severity: version === undefined ? "critical" : "warning",
    evidence: reasons.join("; "),
    since,
  } as const;
  const effect = version === undefined ? "none is in force" : `${version} stays in force`;
  if (kind === "unreadable") {
    return {
      ...common,
      title: `The topology cannot be read: ${effect}`,
      likelyCause: "The file is not there or may not be read, or its server does not answer.",
      remedy: `Look at ${source}: it is read again on the interval.`,
    };
  }
  return {
    ...common,
    title: `A new topology was refused: ${effect}`,
    likelyCause: "A bad document was pushed.",
    remedy: `Correct ${source}, and check the next one before it is pushed (checkTopology).`,
  };
}
