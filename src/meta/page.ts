/** A page: plain data, and how to draw it. Programs get the data, people the drawing. */

import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Tone } from "../report.ts";
import type { View } from "./cell.ts";
import type { Section } from "./section.ts";

/** One page. */
export interface Page {
  /** @default 200 */
  readonly status?: ContentfulStatusCode;
  /** The page's heading, and the start of the window's title. */
  readonly title: string;
  /** Its path in the meta app, so that the navigation can mark it; undefined for a page that is not in there. */
  readonly path?: string;
  /** The page that leads here, where the navigation does not. */
  readonly parent?: { readonly text: string; readonly path: string };
  /** How it feels: the colour and the shape of the icon. */
  readonly tone: Tone;
  /** What a program gets. */
  readonly source: Source;
  /** What a program gets that asks for it in another form. @default there is none */
  readonly alternatives?: readonly Source[];
  /** Draws what stands below the heading. */
  readonly body: (view: View) => readonly Section[];
  /** What `/events` is asked for, so that the page stays up to date. @default it does not */
  readonly live?: Readonly<Record<string, string>>;
  /** Whether it is for strangers, too: it then shows nothing of the runtime, not even its name. @default false */
  readonly bare?: boolean;
}

/** What a page is drawn from, as a program reads it. */
export interface Source {
  /** The form, as `?format=` names it. */
  readonly format: "json" | "openmetrics" | "text";
  /** The Content-Type. */
  readonly type: string;
  /** Writes it down. */
  readonly write: () => string;
}

/** Plain data as JSON, indented: it is read by people at a terminal, too. */
export function jsonSource(data: unknown, type: string = "application/json"): Source {
  return { format: "json", type, write: () => `${JSON.stringify(data, undefined, 2)}\n` };
}
