/** Every page in two sizes and two colour schemes, with and without scripts: it fits, is well formed and quiet. */

import assert from "node:assert/strict";

// deno-lint-ignore no-import-prefix -- only here, and pinned
import axe from "npm:axe-core@4.14.1";
// deno-lint-ignore no-import-prefix -- only here, and pinned
import type { Browser, Page } from "npm:playwright-core@1.65.1";
import type { Checks } from "./checks.ts";
import { inWindow, live, logIn, type Window } from "./window.ts";

const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }] as const;
const SCHEMES = ["light", "dark"] as const;

/** Where to look. */
export interface Site {
  readonly name: string;
  readonly url: string;
  readonly paths: readonly string[];
  /** Asked for before anything is shown. */
  readonly token?: string;
}

/** Checks the looks of a site; screenshots go into `folder`. */
export async function checkLooks(
  browser: Browser,
  checks: Checks,
  site: Site,
  folder: string,
): Promise<void> {
  for (const viewport of SIZES) {
    for (const colorScheme of SCHEMES) {
      for (const javaScriptEnabled of [true, false]) {
        const how = `${viewport.width} ${colorScheme}${javaScriptEnabled ? "" : " without scripts"}`;
        await inWindow(browser, { viewport, colorScheme, javaScriptEnabled }, async (window) => {
          if (site.token !== undefined) {
            await logIn(window.page, site.url, site.token);
            window.complaints(); // A browser takes the 401 that asks for the token for an error.
          }
          for (const path of site.paths) {
            await checks.run(`${site.name}${path} looks right, ${how}`, async () => {
              await window.page.goto(site.url + path);
              if (javaScriptEnabled) await live(window.page);
              await checkPage(window, javaScriptEnabled);
              const file = `${site.name}${path.replaceAll("/", "-")}-${how.replaceAll(" ", "-")}.png`;
              await window.page.screenshot({ path: `${folder}/${file}`, fullPage: true });
            });
          }
        });
      }
    }
  }
}

async function checkPage({ page, complaints }: Window, hasScripts: boolean): Promise<void> {
  await checkLandmarks(page);
  const { wide, tall } = await page.locator("html").evaluate((html) => ({
    wide: html.scrollWidth - html.clientWidth,
    tall: html.scrollHeight - Math.max(html.clientHeight, html.querySelector("body")!.offsetHeight),
  }));
  assert.ok(wide <= 0, `the page is ${wide} pixels wider than the window`);
  assert.ok(tall <= 1, `the page goes on for ${tall} pixels after its end`);
  if (hasScripts) await checkAccessibility(page);
  assert.deepEqual(complaints(), []);
}

async function checkLandmarks(page: Page): Promise<void> {
  for (const role of ["banner", "navigation", "main", "contentinfo"] as const) {
    assert.equal(await page.getByRole(role).count(), 1, role);
  }
  assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);
  const nameless = await page.locator("svg[role=img]").evaluateAll((charts) =>
    charts.filter((chart) =>
      !chart.querySelector("title")?.textContent || !chart.querySelector("desc")?.textContent
    )
      .length
  );
  assert.equal(nameless, 0, "charts without a text");
}

/** What axe finds in a page that keeps somebody out, or nearly so. */
async function checkAccessibility(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map(({ html }) => html) }));
  });
  const serious = found.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(serious, []);
}
