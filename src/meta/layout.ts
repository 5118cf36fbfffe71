/** What every page has around its content. */

import type { Tone } from "../report.ts";
import { renderChip, type View } from "./cell.ts";
import { formatIsoTime } from "./format.ts";
import { address } from "./link.ts";
import { type Markup, markup, trusted } from "./markup.ts";
import type { Page, Source } from "./page.ts";
import type { MetaRuntime } from "./runtime.ts";
import { SCRIPT } from "./script.ts";
import type { Section } from "./section.ts";
import { STYLESHEET } from "./style.ts";

const STATE_TONES: Readonly<Record<MetaRuntime["state"], Tone>> = {
  starting: "neutral",
  ready: "good",
  closing: "warning",
  closed: "bad",
};

const SOURCE_NAMES: Readonly<Record<Source["format"], string>> = {
  json: "JSON",
  openmetrics: "OpenMetrics",
  text: "text",
};

/** Renders a whole document. It asks the reports for nothing but their ids: a broken one breaks no other page. */
export function renderLayout(
  page: Page,
  runtime: MetaRuntime,
  view: View,
  nonce: string | undefined,
): Markup {
  const { format } = page.source;
  const [service, asOf] = renderFrame(runtime, view);
  const body = markup`<a class="skip" href="#main">Skip to the content</a>
<header>
${service!.markup}
<nav id="pages" aria-label="Pages"><ul>${renderNavigation(page, runtime, view)}</ul></nav>
</header>
${renderMain(page, view)}
<footer>
<p>${asOf!.markup} · <a href="?format=${format}">for programs: ${SOURCE_NAMES[format]}</a></p>
<p>Ballast on ${runtime.platform.name} ${runtime.platform.version}</p>
</footer>`;
  const data = markup` data-now="${view.now}"${eventsAddress(page, view)}`;
  const script = markup`<script type="module" nonce="${nonce}">${trusted(SCRIPT)}</script>\n`;
  return renderDocument(documentTitle(page, runtime), page.tone, nonce, data, markup`${body}\n${script}`);
}

/** Renders a whole document that shows nothing of the runtime. */
export function renderBareLayout(page: Page, view: View, nonce: string | undefined): Markup {
  return renderDocument(page.title, page.tone, nonce, undefined, renderMain(page, view));
}

/** What the window is called. */
export function documentTitle({ title }: Page, { name }: MetaRuntime): string {
  return `${title} · ${name}`;
}

/** What changes outside the content: the service with its state, and when the page was made. */
export function renderFrame({ name, state }: MetaRuntime, { base, now }: View): readonly Section[] {
  const chip = renderChip(state, STATE_TONES[state]);
  return [{
    id: "service",
    markup: markup`<p class="name" id="service"><a href="${address("/", base)}">${name}</a> ${chip}</p>`,
  }, {
    id: "as-of",
    markup: markup`<span id="as-of">As of ${renderIso(now)}</span>`,
  }];
}

function renderMain(page: Page, view: View): Markup {
  const parent = page.parent === undefined
    ? undefined
    : markup`<nav aria-label="Up"><a href="${
      address(page.parent.path, view.base)
    }">${page.parent.text}</a></nav>
`;
  return markup`<main id="main" tabindex="-1">
${parent}<h1>${page.title}</h1>
<div id="sections">
${page.body(view).map((section) => section.markup)}</div>
</main>`;
}

function renderDocument(
  title: string,
  tone: Tone,
  nonce: string | undefined,
  data: Markup | undefined,
  body: Markup,
): Markup {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="${iconAddress(tone)}">
<style nonce="${nonce}">${trusted(STYLESHEET)}</style>
</head>
<body${data}>
${body}
</body>
</html>
`;
}

/** Where the script on the page gets the next state of it from. */
function eventsAddress({ live }: Page, { base }: View): Markup | undefined {
  if (live === undefined) return undefined;
  const query = new URLSearchParams({ format: "html", ...live });
  return markup` data-events="${address("/events", base)}?${String(query)}"`;
}

function renderNavigation(page: Page, runtime: MetaRuntime, view: View): readonly Markup[] {
  const reports = runtime.reports.ids.map((id) => ({ path: `/${id}`, text: id }));
  const entries = [{ path: "/", text: "Overview" }, ...reports, { path: "/metrics", text: "metrics" }];
  return entries.map(({ path, text }) => {
    const current = path === page.path
      ? markup` aria-current="page"`
      : path === page.parent?.path
      ? markup` aria-current="true"`
      : undefined;
    return markup`<li><a href="${address(path, view.base)}"${current}>${text}</a></li>\n`;
  });
}

function renderIso(at: number): Markup | undefined {
  const iso = formatIsoTime(at);
  return iso === undefined ? undefined : markup`<time datetime="${iso}">${iso}</time>`;
}

/** The tones once more, where the browser shows nothing but a few pixels: a coloured disc, triangle or square. */
const ICON_SHAPES: Readonly<Record<Tone, string>> = {
  good: '<circle cx="8" cy="8" r="6" fill="#2b8a57"/>',
  neutral: '<circle cx="8" cy="8" r="5" fill="none" stroke="#6b7c8a" stroke-width="3"/>',
  warning: '<path d="M8 1l7 13H1z" fill="#d98a00"/>',
  bad: '<path d="M2 2h12v12H2z" fill="#d13b2f"/>',
};

/** The address of a tone's icon. */
export function iconAddress(tone: Tone): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${ICON_SHAPES[tone]}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
