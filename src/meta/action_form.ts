/** What a component can be told to do, as forms; and how it went. */

import type { Action, ReportTable } from "../report.ts";
import type { Actions, Outcome } from "./actions.ts";
import { renderTime, type View } from "./cell.ts";
import { formatDuration } from "./format.ts";
import { address, type Place, reportPath } from "./link.ts";
import { clipped, type Markup, markup } from "./markup.ts";

/** Renders the actions of a report: a form each, or, where they are off, the call that does the same. */
export function renderActions(
  place: Place,
  actions: readonly Action[],
  mode: Actions["mode"],
  view: View,
): Markup {
  if (mode === "offered") {
    return markup`<div class="actions">${actions.map((action) => renderForm(place, action, view))}</div>`;
  }
  const hint = mode === "unguarded"
    ? markup`<p class="hint">They can be carried out from here once there is a token:
<code>createMetaApp(runtime, { token })</code>. Until then, in the program:</p>`
    : undefined;
  return markup`${hint}<dl class="calls">${actions.map((action) => renderCall(place, action))}</dl>`;
}

function renderForm({ report, key }: Place, { id, label, fields }: Action, { base }: View): Markup {
  const path = `${reportPath({ report })}/actions/${encodeURIComponent(id)}`;
  const query = key === undefined ? "" : `?key=${encodeURIComponent(key)}`;
  const inputs = fields.map((field) => {
    return markup`<label><span>${clipped(field.label)}</span>
<input name="${field.name}" value="${
      field.value ?? ""
    }" autocomplete="off" spellcheck="false" required=""></label>
`;
  });
  return markup`<form method="post" action="${address(path, base)}${query}">
${inputs}<button>${clipped(label)}</button>
</form>
`;
}

function renderCall({ report }: Place, { id, label, fields }: Action): Markup {
  const args = fields.length === 0 ? "" : `, { ${fields.map(({ name }) => name).join(", ")} }`;
  const hints = fields.map((field) => {
    return markup`<dd class="hint"><code>${field.name}</code>: ${clipped(field.label)}</dd>`;
  });
  return markup`<div><dt>${clipped(label)}</dt>
<dd><code>runtime.reports.act("${report}", "${id}"${args})</code></dd>${hints}</div>
`;
}

/** Renders how the action went that the form has just sent. */
export function renderOutcome({ action, args, ok, text, at, tookMs }: Outcome, view: View): Markup {
  const given = Object.values(args).join(", ");
  const what = given === "" ? action.label : `${action.label}: ${given}`;
  return markup`<div id="outcome" class="outcome ${ok ? "good" : "bad"}" role="status">
<p><strong>${ok ? "Done" : "Failed"}</strong> · ${clipped(what)}</p>
<p><code>${clipped(text)}</code></p>
<p class="hint">${renderTime(at, view)}, in ${formatDuration(tookMs)}</p>
</div>
`;
}

/** The last outcomes, as a table of the report. */
export function outcomeTable(outcomes: readonly Outcome[]): ReportTable {
  return {
    id: "done-from-here",
    title: "Done from here",
    columns: ["When", "Action", "Given", "Outcome", "Result"],
    rows: outcomes.map(({ at, action, args, ok, text }) => [
      { kind: "time", at },
      action.label,
      Object.values(args).join(", "),
      { kind: "state", state: ok ? "done" : "failed", tone: ok ? "good" : "bad" },
      text,
    ]),
    empty: "Nothing.",
  };
}
