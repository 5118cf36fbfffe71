/**
 * What `top` knows and shows: changed by looks at the service and by keys, and by nothing else.
 *
 * @module
 */

import { type Figures, figuresOf } from "./figures.ts";
import type { Sample } from "./poll.ts";

/** Everything that a frame is drawn from. */
export interface TopState {
  /** Where the meta app is. */
  readonly url: string;
  /** Between two looks. */
  readonly intervalMs: number;
  /** The moment of the frame, in milliseconds since the epoch. */
  readonly now: number;
  /** How the service answers. */
  readonly link: Link;
  /** The last look that saw something. */
  readonly sample?: Sample;
  /** Its numbers and those before, oldest first. */
  readonly history: readonly Figures[];
  /** The report that is shown; "" is the overview. */
  readonly view: string;
  /** Lines of the view that are above the screen. */
  readonly scroll: number;
  /** Whether the picture stands still. */
  readonly isPaused: boolean;
  /** Whether the keys are explained. */
  readonly isHelp: boolean;
}

/** How the service answers. */
export type Link =
  | { readonly state: "connecting" }
  | { readonly state: "up" }
  | { readonly state: "down"; readonly since: number; readonly reason: string };

/** Numbers kept: at two seconds each, twenty minutes. */
const MAX_HISTORY = 600;

/** The state before anything was seen. */
export function initialState(url: string, intervalMs: number, now: number): TopState {
  return {
    url,
    intervalMs,
    now,
    link: { state: "connecting" },
    history: [],
    view: "",
    scroll: 0,
    isPaused: false,
    isHelp: false,
  };
}

/** After a look that saw something. */
export function seen(state: TopState, sample: Sample): TopState {
  // A process that was started anew counts from zero.
  const isSame = state.sample?.outline.startedAt === sample.outline.startedAt;
  const figures = figuresOf(sample, isSame ? state.sample : undefined);
  return {
    ...state,
    now: sample.at,
    link: { state: "up" },
    sample,
    history: [...state.history, figures].slice(-MAX_HISTORY),
  };
}

/** After a look that saw nothing, and why. */
export function missed(state: TopState, reason: string, now: number): TopState {
  const since = state.link.state === "down" ? state.link.since : now;
  return { ...state, now, link: { state: "down", since, reason } };
}

/** The views there are, as the keys step through them. */
export function viewsOf({ sample }: TopState): readonly string[] {
  return ["", ...(sample?.outline.reports ?? []).map(({ id }) => id)];
}

/**
 * The views that show a finding: that of its report; in a group, where a report is of one process (`child-3-dns`), those of the part
 * and of the process.
 */
export function partOf(report: string, ids: readonly string[]): readonly string[] {
  if (ids.includes(report)) return [report];
  const [, process, part] = /^(child-\d+|supervisor)-(.+)$/.exec(report) ?? [];
  return process === undefined ? [] : [process, part!];
}

/** What a key asks of the one that runs the screen. */
export type Effect = "quit" | "suspend" | "look" | "none";

/** After a key; `page` is how many lines of the view there are on the screen. */
export function press(state: TopState, key: string, page: number): readonly [TopState, Effect] {
  if (key === "q" || key === "ctrl-c") return [state, "quit"];
  if (key === "ctrl-z") return [state, "suspend"];
  if (state.isHelp) return [{ ...state, isHelp: false }, "none"];
  const views = viewsOf(state);
  const index = Math.max(0, views.indexOf(state.view));
  const show = (index: number): readonly [TopState, Effect] => {
    const view = views[(index + views.length) % views.length]!;
    return [{ ...state, view, scroll: 0 }, view === state.view ? "none" : "look"];
  };
  const scroll = (
    lines: number,
  ): readonly [TopState, Effect] => [{ ...state, scroll: Math.max(0, state.scroll + lines) }, "none"];
  if (/^[1-9]$/.test(key)) return Number(key) <= views.length ? show(Number(key) - 1) : [state, "none"];
  switch (key) {
    case "tab":
    case "right":
    case "l":
      return show(index + 1);
    case "backtab":
    case "left":
    case "h":
      return show(index - 1);
    case "0":
    case "escape":
      return show(0);
    case "down":
    case "j":
      return scroll(1);
    case "up":
    case "k":
      return scroll(-1);
    case "pagedown":
      return scroll(page);
    case "pageup":
      return scroll(-page);
    case "home":
    case "g":
      return scroll(-Infinity);
    case "end":
    case "G":
      return scroll(Number.MAX_SAFE_INTEGER);
    case "p":
    case " ":
      return [{ ...state, isPaused: !state.isPaused }, state.isPaused ? "look" : "none"];
    case "r":
      return [state, "look"];
    case "?":
      return [{ ...state, isHelp: true }, "none"];
    default:
      return [state, "none"];
  }
}
