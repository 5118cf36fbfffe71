/** Every page in two sizes and two colour schemes, with and without scripts: it fits, is well formed and quiet. */

import assert from "node:assert/strict";

import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
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

/**
 * Checks the looks of a site. A page is opened once with scripts and once without; then the window changes its size and
 * its scheme, as those of people do. Screenshots go into `folder`, if there is one.
 */
export async function checkLooks(
  browser: Browser,
  checks: Checks,
  site: Site,
  folder: string | undefined,
): Promise<void> {
  await Promise.all(
    [true, false].map((javaScriptEnabled) =>
      inWindow(browser, { javaScriptEnabled }, async (window) => {
        if (site.token !== undefined) {
          await logIn(window.page, site.url, site.token);
          window.complaints(); // A browser takes the 401 that asks for the token for an error.
        }
        for (const path of site.paths) await checkPath(window, checks, site, path, javaScriptEnabled, folder);
      })
    ),
  );
}

async function checkPath(
  { page, complaints }: Window,
  checks: Checks,
  { name, url }: Site,
  path: string,
  hasScripts: boolean,
  folder: string | undefined,
): Promise<void> {
  const what = `${name}${path}${hasScripts ? "" : " without scripts"}`;
  await checks.run(`${what} opens, and nobody complains`, async () => {
    await page.goto(url + path);
    if (hasScripts) await live(page);
    await checkLandmarks(page);
    assert.deepEqual(complaints(), []);
  });
  for (const size of SIZES) {
    await page.setViewportSize(size);
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      const how = `${size.width} ${colorScheme}`;
      await checks.run(`${what} fits, ${how}`, async () => {
        await checkSize(page);
        // Every scheme and every width once: that is where colours and places can go wrong.
        if (hasScripts && (size === SIZES[0]) === (colorScheme === "light")) await checkAccessibility(page);
        assert.deepEqual(complaints(), []);
      });
      if (folder === undefined || !hasScripts) continue;
      const file = `${name}${path.replaceAll("/", "-")}-${how.replaceAll(" ", "-")}.png`;
      await page.screenshot({ path: `${folder}/${file}`, fullPage: true });
    }
  }
}

async function checkSize(page: Page): Promise<void> {
  const { wide, tall } = await page.locator("html").evaluate((html) => ({
    wide: html.scrollWidth - html.clientWidth,
    tall: html.scrollHeight - Math.max(html.clientHeight, html.querySelector("body")!.offsetHeight),
  }));
  assert.ok(wide <= 0, `the page is ${wide} pixels wider than the window`);
  assert.ok(tall <= 1, `the page goes on for ${tall} pixels after its end`);
}

async function checkLandmarks(page: Page): Promise<void> {
  for (const role of ["banner", "main", "contentinfo"] as const) {
    assert.equal(await page.getByRole(role).count(), 1, role);
  }
  assert.equal(await page.getByRole("navigation", { name: "Pages" }).count(), 1);
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
  if (!await page.evaluate(() => "axe" in globalThis)) await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(
      // Rows are alike: the first ones stand for all.
      { include: [["html"]], exclude: [["tbody tr:nth-child(n + 4)"]] },
      { resultTypes: ["violations"], preload: false },
    );
    return violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map(({ html }) => html) }));
  });
  const serious = found.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(serious, []);
}
