/** A part of a page: a region with a heading. */

import { clipped, type Markup, markup } from "./markup.ts";

/** Renders a section; `note` stands beside its title, in small. */
export function renderSection(id: string, title: string, body: Markup, note?: string): Markup {
  const aside = note === undefined ? undefined : markup` <span class="hint">${note}</span>`;
  return markup`<section>
<h2 id="${id}">${clipped(title)}${aside}</h2>
${body}
</section>
`;
}
