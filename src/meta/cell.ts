/** One {@linkcode Cell} of a report, as markup. */

import type { Cell, Tone } from "../report.ts";
import {
  formatBytes,
  formatDuration,
  formatIsoTime,
  formatNumber,
  formatRatio,
  formatRelativeTime,
} from "./format.ts";
import { address, checkedAddress, reportPath } from "./link.ts";
import { clipped, type Markup, markup } from "./markup.ts";
import type { Sort } from "./sort.ts";

/** What a value needs to know of the page it stands on. */
export interface View {
  /** The moment of the page, in milliseconds since the epoch. */
  readonly now: number;
  /** The path that the meta app is mounted at, without a slash at its end. */
  readonly base: string;
  /** How one of its tables is to be ordered. @default as the report has it */
  readonly sort?: Sort;
  /** The id of the report that it shows, which is where details are to be had. @default none */
  readonly report?: string;
}

/** A list longer than this is cut; the JSON has it whole. */
const MAX_ITEMS = 50;

/** Renders one value. */
export function renderCell(cell: Cell, view: View): Markup {
  if (cell === null) return markup`<span class="none">–</span>`;
  if (typeof cell === "string") return markup`${clipped(cell)}`;
  if (typeof cell === "number") return markup`${formatNumber(cell)}`;
  if (typeof cell === "boolean") return cell ? markup`yes` : markup`no`;
  switch (cell.kind) {
    case "duration":
      return markup`${formatDuration(cell.ms)}`;
    case "time":
      return renderTime(cell.at, view);
    case "bytes":
      return markup`${formatBytes(cell.bytes)}`;
    case "ratio":
      return markup`${formatRatio(cell.ratio)}`;
    case "state":
      return renderState(cell.state, cell.tone);
    case "list":
      return renderList(cell.items);
    case "link":
      return renderLink(cell.text, cell.path, view);
    case "details":
      return renderDetails(cell.key, view);
    default:
      // A report may come from another version of Ballast, with kinds that this one does not know.
      return markup`<code>${clipped(JSON.stringify(cell satisfies never))}</code>`;
  }
}

/** Whether values of this kind are compared by their size, and so stand flush right. */
export function isNumeric(cell: Cell | undefined): boolean {
  if (typeof cell !== "object" || cell === null) return typeof cell === "number";
  return cell.kind === "duration" || cell.kind === "bytes" || cell.kind === "ratio";
}

/** A moment: how long ago, which goes on counting on the page, and exactly when for who hovers or asks the markup. */
export function renderTime(at: number, view: View): Markup {
  const iso = formatIsoTime(at);
  if (iso === undefined) return markup`n/a`;
  return markup`<time class="ago" datetime="${iso}" title="${iso}">${
    formatRelativeTime(at, view.now)
  }</time>`;
}

/** A word with a tone: told by its shape, too, and not by colour alone. */
export function renderChip(word: string, tone: Tone): Markup {
  return markup`<span class="chip ${tone}"><span class="word">${clipped(word)}</span></span>`;
}

/** What a tone is called for who cannot see it; what is well needs no word. */
const TONE_WORDS: Readonly<Partial<Record<Tone, string>>> = { warning: "warning", bad: "bad" };

/** A state with its tone, which is said aloud where the state's name need not tell it. */
export function renderState(state: string, tone: Tone): Markup {
  const word = TONE_WORDS[tone];
  const said = word === undefined ? undefined : markup`<span class="unseen">${word}: </span>`;
  return markup`${said}${renderChip(state, tone)}`;
}

function renderList(items: readonly string[]): Markup {
  if (items.length === 0) return markup`<span class="none">none</span>`;
  const shown = items.slice(0, MAX_ITEMS).map((item) => markup`<li>${clipped(item)}</li>`);
  const left = items.length - shown.length;
  const rest = left === 0 ? undefined : markup`<li class="none">${left} more in the JSON</li>`;
  return markup`<ul class="list">${shown}${rest}</ul>`;
}

/** The way to the details of something; no way where it stands on no report's page. */
function renderDetails(key: string, { report, base }: View): Markup {
  if (report === undefined) return markup`${clipped(key)}`;
  return markup`<a href="${address(reportPath({ report, key }), base)}">${clipped(key)}</a>`;
}

/** A link, if it stays within the meta app; else its text alone. */
function renderLink(text: string, path: string, view: View): Markup {
  const href = checkedAddress(path, view.base);
  return href === undefined ? markup`${clipped(text)}` : markup`<a href="${href}">${clipped(text)}</a>`;
}
