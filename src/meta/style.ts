/** The one stylesheet: system fonts, two colour schemes, nothing fetched. Tones and shapes are named as in reports. */
export const STYLESHEET = `
:root {
  color-scheme: light dark;
  --page: #f5f7f8; --surface: #ffffff; --ink: #1a242d; --muted: #55636f; --line: #dce2e7; --edge: #7f8e9a; --accent: #0a5f86;
  --good: #1b6e42; --neutral: #4b5a67; --warning: #8a5300; --bad: #b3261e;
  --good-tint: #e3f2e9; --neutral-tint: #e8edf1; --warning-tint: #fcefd7; --bad-tint: #fbe6e4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1419; --surface: #161d24; --ink: #dfe6ec; --muted: #98a7b3; --line: #29343e; --edge: #71808c; --accent: #7cc4ea;
    --good: #7bd0a0; --neutral: #b3c0cb; --warning: #eeb654; --bad: #ff9b90;
    --good-tint: #143023; --neutral-tint: #24303a; --warning-tint: #362911; --bad-tint: #40201d;
  }
}

* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 0.9375rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
header, main, footer { max-width: 78rem; margin-inline: auto; padding-inline: clamp(1rem, 3vw, 2rem); }
h1, h2, h3, p, ul, dl, dd, figure { margin: 0; padding: 0; }
ul { list-style: none; }
a { color: var(--accent); text-underline-offset: 0.15em; text-decoration-thickness: 1px; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
main:focus { outline: none; }
code, pre { font: 0.875em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.unseen, #facts-title {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}
.skip { position: absolute; left: 1rem; top: -4rem; padding: 0.5rem 1rem; background: var(--surface); z-index: 1; }
.skip:focus { top: 0.5rem; }
.hint, .none, .origin, footer { color: var(--muted); font-size: 0.8125rem; }

header { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem 2rem; padding-block: 0.875rem; }
.name { font-weight: 650; display: flex; align-items: center; gap: 0.625rem; min-width: 0; }
.name a { color: inherit; text-decoration: none; }
#pages ul { display: flex; flex-wrap: wrap; gap: 0.125rem 0.25rem; margin-inline: -0.625rem; }
#pages a { display: block; padding: 0.25rem 0.625rem; border-radius: 0.375rem; color: var(--muted); text-decoration: none; }
#pages a:hover { color: var(--ink); background: var(--neutral-tint); }
#pages a[aria-current] { color: var(--ink); background: var(--neutral-tint); font-weight: 600; }
main { padding-block: 0.75rem 2rem; }
footer { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0.25rem 2rem; padding-block: 1rem 2rem; }
footer a { color: inherit; }

h1 { font-size: 1.5rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; }
h2 { font-size: 1.0625rem; line-height: 1.3; font-weight: 650; margin: 2rem 0 0.625rem; }
h2 .hint { font-weight: 400; margin-left: 0.375rem; }
h3 { font-size: 0.9375rem; line-height: 1.5; font-weight: 600; }
.summary, .detail { margin-top: 0.25rem; max-width: 46rem; color: var(--muted); }
.detail { color: var(--ink); white-space: pre-line; margin-block: 0.5rem 1rem; }

.chip {
  display: inline-flex; align-items: baseline; gap: 0.4em; padding: 0.0625rem 0.5625rem 0.0625rem 0.5rem;
  border-radius: 1rem; font-size: 0.8125rem; font-weight: 550; line-height: 1.45;
}
.chip .word { max-width: 18rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.chip::before { content: ""; flex: none; width: 0.5625em; height: 0.5625em; background: currentColor; }
.chip.good, .chip.neutral { padding-inline: 0; background: none; font-weight: 500; }
.chip.good { color: var(--good); }
.chip.good::before { border-radius: 50%; }
.chip.neutral { color: var(--neutral); }
.chip.neutral::before { border-radius: 50%; background: none; border: 0.125em solid; }
.chip.warning { color: var(--warning); background: var(--warning-tint); }
.chip.warning::before { width: 0.6875em; clip-path: polygon(50% 0, 100% 100%, 0 100%); }
.chip.bad { color: var(--bad); background: var(--bad-tint); }
.zero .chip { padding-inline: 0; color: var(--muted); background: none; font-weight: 500; }
@media (forced-colors: active) {
  .chip { border: 1px solid; }
  .chip::before { forced-color-adjust: none; background: CanvasText; }
}

.findings { display: grid; gap: 0.75rem; }
.finding {
  background: var(--surface); border: 1px solid var(--line); border-left-width: 0.25rem; border-radius: 0.5rem;
  padding: 0.75rem 1rem;
}
.finding.bad { border-left-color: var(--bad); }
.finding.warning { border-left-color: var(--warning); }
.finding.neutral { border-left-color: var(--neutral); }
.finding h3 .chip { margin-right: 0.375rem; }
.finding dl { display: grid; gap: 0.25rem; margin-top: 0.5rem; max-width: 66rem; }
.finding dl div { display: grid; grid-template-columns: 7rem 1fr; gap: 0 1rem; }
.finding dt { color: var(--muted); }
.finding dd { white-space: pre-line; }

.facts {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 11rem), 1fr)); gap: 0.875rem 1.25rem;
  padding: 0.75rem 0.875rem 0.875rem; background: var(--surface); border: 1px solid var(--line); border-radius: 0.5rem;
}
.facts div { min-width: 0; }
#facts { margin-top: 1.25rem; }
.facts dt { color: var(--muted); font-size: 0.8125rem; }
.facts dd { font-weight: 550; }
.facts .hint { font-weight: 400; }

.scroll {
  position: relative; overflow: auto; overflow-anchor: none; max-height: 85vh;
  background: var(--surface); border: 1px solid var(--line); border-radius: 0.5rem;
}
pre.scroll { margin: 0.75rem 0 0; padding: 0.75rem 1rem; overflow-wrap: normal; }
table { border-collapse: collapse; width: 100%; overflow-wrap: break-word; }
th, td { padding: 0.3125rem 0.875rem; text-align: left; vertical-align: top; max-width: 34rem; }
thead th {
  position: sticky; top: 0; background: var(--surface); color: var(--muted); font-size: 0.8125rem; font-weight: 550;
  white-space: nowrap; box-shadow: inset 0 -1px var(--line);
}
tbody tr + tr > * { border-top: 1px solid var(--line); }
tbody tr:hover { background: color-mix(in srgb, var(--neutral-tint) 45%, transparent); }
tbody th { font-weight: 550; min-width: 6.5rem; }
tbody a, nav[aria-label="Up"] a { text-decoration: none; }
tbody a:hover, nav[aria-label="Up"] a:hover { text-decoration: underline; }
nav[aria-label="Up"] { font-size: 0.8125rem; }
nav[aria-label="Up"] a::before { content: "‹ "; }
.number { text-align: right; white-space: nowrap; }
td time { white-space: nowrap; }
tbody th:has(time) { font-weight: 400; white-space: nowrap; }
.list { display: flex; flex-wrap: wrap; gap: 0 0.875rem; }

.bar { display: block; width: 100%; height: 0.5rem; border-radius: 0.25rem; margin-bottom: 0.625rem; }
.bar .good { fill: var(--good); }
.bar .neutral { fill: var(--neutral); }
.bar .warning { fill: var(--warning); }
.bar .bad { fill: var(--bad); }
.states { display: flex; flex-wrap: wrap; gap: 0.375rem 1.5rem; }
.states .count { font-weight: 600; margin-left: 0.25rem; }

.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: 0.75rem; }
.series { background: var(--surface); border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.75rem 0.875rem; }
.series figcaption { font-weight: 550; }
.chart { display: block; width: 100%; margin-block: 0.5rem; overflow: visible; }
.chart .line {
  fill: none; stroke: var(--accent); stroke-width: 1.5px; stroke-linejoin: round; vector-effect: non-scaling-stroke;
}
.chart .area { fill: var(--accent); opacity: 0.12; }
.chart rect { fill: var(--accent); opacity: 0.75; }
.chart rect:hover { opacity: 1; }
.chart .last { fill: var(--accent); }
.chart .grid { stroke: var(--line); }
.chart .axis { stroke: var(--muted); opacity: 0.6; }
.chart line.mark { stroke: var(--ink); stroke-dasharray: 2 2; opacity: 0.6; }
.chart text { font-size: 0.6875rem; fill: var(--muted); stroke: var(--surface); stroke-width: 3px; paint-order: stroke; }
.chart text.mark { fill: var(--ink); font-weight: 550; }
.series dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(4.5rem, 1fr)); gap: 0.25rem 0.75rem; }
.series dt { color: var(--muted); font-size: 0.8125rem; }
.series dd { font-weight: 550; }

button {
  font: inherit; font-weight: 550; padding: 0.25rem 0.875rem; border-radius: 0.375rem; cursor: pointer;
  color: var(--surface); background: var(--accent); border: 1px solid transparent;
}
button:hover { filter: brightness(1.1); }
input {
  font: inherit; color: inherit; background: var(--surface); border: 1px solid var(--edge); border-radius: 0.375rem;
  padding: 0.25rem 0.625rem; min-width: 0; max-width: 100%;
}
.actions { display: flex; flex-wrap: wrap; gap: 0.75rem; }
.actions form {
  display: flex; flex-wrap: wrap; align-items: end; gap: 0.5rem 0.75rem; padding: 0.75rem 0.875rem; max-width: 100%;
  background: var(--surface); border: 1px solid var(--line); border-radius: 0.5rem;
}
.actions label { display: grid; gap: 0.125rem; }
.actions label span, #login label { color: var(--muted); font-size: 0.8125rem; }
.calls { display: grid; gap: 0.625rem; margin-top: 0.5rem; }
.calls dt { font-weight: 550; }
.leave { margin-top: 0.5rem; }
.outcome { margin-block: 1rem 0; padding: 0.625rem 1rem; border-radius: 0.5rem; border-left: 0.25rem solid; }
.outcome.good { background: var(--good-tint); border-color: var(--good); }
.outcome.bad { background: var(--bad-tint); border-color: var(--bad); }
.outcome .hint { color: inherit; }
main:has(#login) {
  width: min(26rem, 100% - 2rem); margin: min(16vh, 8rem) auto 0; padding: 1.5rem 1.75rem 1.75rem;
  background: var(--surface); border: 1px solid var(--line); border-radius: 0.75rem;
}
#problem ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin-top: 0.25rem; }
#login { display: grid; gap: 0.5rem; justify-items: start; }
#login input { width: 100%; }
.wrong { color: var(--bad); font-weight: 550; }

.tools { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.75rem; margin-bottom: 0.5rem; }
.tools[hidden] { display: none; }
.tools output { color: var(--muted); font-size: 0.8125rem; }
thead a { position: relative; color: inherit; text-decoration: none; }
thead a:hover { color: var(--ink); text-decoration: underline; }
thead a::after { content: "↕"; position: absolute; left: 100%; padding-left: 0.1em; opacity: 0; }
thead a:hover::after, thead a:focus-visible::after { opacity: 0.6; }
[aria-sort] a { color: var(--ink); }
[aria-sort] a::after, [aria-sort] a:hover::after { opacity: 1; }
[aria-sort="ascending"] a::after { content: "↑"; }
[aria-sort="descending"] a::after { content: "↓"; }

.live { margin-left: auto; display: flex; align-items: center; gap: 0.5rem; color: var(--muted); font-size: 0.8125rem; }
.live::before {
  content: ""; width: 0.5rem; height: 0.5rem; border-radius: 50%; border: 0.125rem solid var(--muted);
  transition: background-color 0.3s, border-color 0.3s;
}
.live[data-state="live"]::before { background: var(--good); border-color: var(--good); }
.live[data-state="reconnecting"]::before { background: var(--warning); border-color: var(--warning); }
.live button, .leave button {
  padding: 0.0625rem 0.5625rem; font-size: 0.8125rem; font-weight: 400;
  color: var(--ink); background: none; border-color: var(--edge);
}
@media (prefers-reduced-motion: reduce) {
  * { transition: none !important; scroll-behavior: auto !important; }
}

/* Small tables and few facts stand side by side, so that what matters fits the first screen. */
@media (min-width: 60rem) {
  #sections { display: grid; grid-template-columns: 1fr 1fr; column-gap: 1.25rem; align-items: start; }
  #sections > * { grid-column: 1 / -1; min-width: 0; }
  #sections > section:not(#facts):has(.scroll, .facts):not(:has(th:nth-child(5), .facts > :nth-child(5), form, .tools)) { grid-column: auto; }
}
/* There a table is wider than the window anyway: rather wide than high. */
@media (max-width: 60rem) {
  table { width: max-content; min-width: 100%; }
}
@media (max-width: 34rem) {
  #pages { order: 1; }
  .finding dl div { grid-template-columns: 1fr; }
  .finding dt { font-size: 0.8125rem; }
  .facts { grid-template-columns: 1fr 1fr; gap: 0.75rem 1rem; }
  th, td { padding-inline: 0.625rem; }
  td, tbody th { max-width: 16rem; }
}
@media print {
  .scroll { max-height: none; }
  nav, .skip, .live, .tools, form { display: none; }
}
`;
