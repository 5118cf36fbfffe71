/** A part of a page: a region with a heading, that is replaced as a whole when it has changed. */

import { clipped, type Markup, markup } from "./markup.ts";

/** One part of a page. Its markup is a single element that bears the id. */
export interface Section {
  /** Unique on the page. */
  readonly id: string;
  /** The element. */
  readonly markup: Markup;
}

/** Renders a section; `note` stands beside its title, in small. The heading's id is `<id>-title`. */
export function renderSection(id: string, title: string, body: Markup, note?: string): Section {
  const aside = note === undefined ? undefined : markup` <span class="hint">${note}</span>`;
  return {
    id,
    markup: markup`<section id="${id}">
<h2 id="${id}-title">${clipped(title)}${aside}</h2>
${body}
</section>
`,
  };
}

/** The same items with ids that differ from each other, as elements of one page must: a second `x` is `x-2`. */
export function withOwnIds<T extends { readonly id: string }>(items: readonly T[]): T[] {
  const seen = new Map<string, number>();
  return items.map((item) => {
    const times = (seen.get(item.id) ?? 0) + 1;
    seen.set(item.id, times);
    return times === 1 ? item : { ...item, id: `${item.id}-${times}` };
  });
}
