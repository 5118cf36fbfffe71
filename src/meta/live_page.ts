/** What a live page is sent: the sections that have changed, drawn as on the page itself; or plain data. */

import type { View } from "./cell.ts";
import { documentTitle, iconAddress, renderFrame } from "./layout.ts";
import type { LiveEvent } from "./live.ts";
import type { Page } from "./page.ts";
import type { MetaRuntime } from "./runtime.ts";
import type { Section } from "./section.ts";

/** The data of an event of type `page`. */
export interface PageUpdate {
  /** The moment of it, in milliseconds since the epoch. */
  readonly at: number;
  /** What the window is called. */
  readonly title: string;
  /** The address of the icon. */
  readonly icon: string;
  /** What stands outside the content. */
  readonly frame: readonly SectionUpdate[];
  /** All sections of the content, in order. */
  readonly sections: readonly SectionUpdate[];
}

/** A section; without its markup when that is as it was in the event before. */
export interface SectionUpdate {
  /** The id of its element. */
  readonly id: string;
  /** Its markup. */
  readonly html?: string;
}

/** Makes the events of one page; each leaves out what the one before has sent. */
export function pageUpdates(runtime: MetaRuntime, pageNow: () => Page, viewNow: () => View): () => LiveEvent {
  let sent = new Map<string, string>();

  return () => {
    const [page, view] = [pageNow(), viewNow()];
    const drawn = new Map<string, string>();
    const update = ({ id, markup }: Section): SectionUpdate => {
      const html = String(markup);
      const content = withoutClock(html);
      drawn.set(id, content);
      return sent.get(id) === content ? { id } : { id, html };
    };
    const data: PageUpdate = {
      at: view.now,
      title: documentTitle(page, runtime),
      icon: iconAddress(page.tone),
      frame: renderFrame(runtime, view).map(update),
      sections: page.body(view).map(update),
    };
    sent = drawn;
    return { type: "page", data };
  };
}

/** The markup without how long ago its moments are: that the page counts by itself. */
function withoutClock(html: string): string {
  return html.replace(/(<time class="ago"[^>]*>)[^<]*/g, "$1");
}
