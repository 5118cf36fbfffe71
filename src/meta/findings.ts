/** What is wrong, as markup: the first thing whoever is on call wants to read. */

import type { Finding, Severity, Tone } from "../report.ts";
import type { LocatedFinding } from "../reports.ts";
import { renderChip, renderTime, type View } from "./cell.ts";
import { address } from "./link.ts";
import { clipped, type Markup, markup } from "./markup.ts";

/** How each severity feels, the worst first. */
const SEVERITY_TONES: Readonly<Record<Severity, Tone>> = {
  critical: "bad",
  warning: "warning",
  info: "neutral",
};

/** Renders findings, the worst first, each with its evidence, cause and remedy. */
export function renderFindings(findings: readonly (Finding | LocatedFinding)[], view: View): Markup {
  const severities = Object.keys(SEVERITY_TONES);
  const rank = ({ severity }: Finding) => severities.indexOf(severity);
  const sorted = [...findings].sort((a, b) => rank(a) - rank(b));
  return markup`<ul class="findings">${sorted.map((finding) => renderFinding(finding, view))}</ul>`;
}

function renderFinding(finding: Finding | LocatedFinding, view: View): Markup {
  const tone = SEVERITY_TONES[finding.severity] ?? "neutral";
  return markup`<li class="finding ${tone}">
<h3>${renderChip(finding.severity, tone)} ${clipped(finding.title)}</h3>
${renderOrigin(finding, view)}
<dl>
<div><dt>Evidence</dt><dd>${clipped(finding.evidence)}</dd></div>
<div><dt>Likely cause</dt><dd>${clipped(finding.likelyCause)}</dd></div>
<div><dt>Remedy</dt><dd>${clipped(finding.remedy)}</dd></div>
</dl>
</li>`;
}

function renderOrigin(finding: Finding | LocatedFinding, view: View): Markup | undefined {
  const report = "report" in finding ? renderReportLink(finding.report, view) : undefined;
  const since = finding.since === undefined ? undefined : markup`began ${renderTime(finding.since, view)}`;
  if (report === undefined && since === undefined) return undefined;
  return markup`<p class="origin">${report}${report && since && ", "}${since}</p>`;
}

function renderReportLink(id: string, { base }: View): Markup {
  return markup`in <a href="${address(`/${encodeURIComponent(id)}`, base)}">${id}</a>`;
}

/** The tone of the worst finding, `good` where there is none. */
export function worstTone(findings: readonly Finding[]): Tone {
  const tones = findings.map((finding) => SEVERITY_TONES[finding.severity] ?? "neutral");
  return (["bad", "warning", "neutral"] as const).find((tone) => tones.includes(tone)) ?? "good";
}

/** How many findings: `no finding`, `1 finding`, `2 findings`. */
export function countFindings(count: number): string {
  return count === 0 ? "no finding" : count === 1 ? "1 finding" : `${count} findings`;
}
