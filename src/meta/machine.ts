/** A kind of state machine, as markup: how many are in each state, as words and as one bar. */

import type { StateMachine } from "../report.ts";
import { renderState } from "./cell.ts";
import { formatNumber, formatRatio } from "./format.ts";
import { type Markup, markup } from "./markup.ts";
import { renderSection, type Section } from "./section.ts";

/** The bar's width in its own units. */
const BAR_WIDTH = 1000;

/** Renders the states in the order given, those that nobody is in included: a zero is worth knowing. */
export function renderMachine(machine: StateMachine): Section {
  const total = machine.states.reduce((sum, { count }) => sum + count, 0);
  const states = machine.states.map(({ state, count, tone }) => {
    const share = count === 0 ? undefined : markup` <span class="hint">${formatRatio(count / total)}</span>`;
    const number = markup`<span class="count">${formatNumber(count)}</span>`;
    return markup`<li${count === 0 ? markup` class="zero"` : undefined}>${
      renderState(state, tone)
    } ${number}${share}</li>\n`;
  });
  const bar = total === 0 ? undefined : renderBar(machine, total);
  const body = markup`${bar}<ul class="states">${states}</ul>`;
  return renderSection(`machine-${machine.id}`, machine.title, body, `${formatNumber(total)} in all`);
}

function renderBar(machine: StateMachine, total: number): Markup {
  let x = 0;
  const parts = machine.states.map(({ count, tone }) => {
    const width = count / total * BAR_WIDTH;
    const part = markup`<rect class="${tone}" x="${x}" width="${width}" height="1"/>`;
    x += width;
    return part;
  });
  return markup`<svg class="bar" viewBox="0 0 ${BAR_WIDTH} 1" preserveAspectRatio="none" aria-hidden="true">${parts}</svg>`;
}
