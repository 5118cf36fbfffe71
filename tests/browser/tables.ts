/** Tables on the page: order and filter, by mouse, by keyboard, and without scripts. */

import assert from "node:assert/strict";

import type { Browser, Locator, Page } from "playwright-core";
import { type Checks, until } from "./checks.ts";
import { type Guarded, TOKEN } from "./services.ts";
import { inWindow, live, logIn } from "./window.ts";

const ALL = 60;

function shards(page: Page): Locator {
  return page.locator("#table-shards");
}

/** The names of the rows that are seen. */
async function names(page: Page): Promise<string[]> {
  return await shards(page).locator("tbody tr:visible th").allTextContents();
}

function head(page: Page, name: string): Locator {
  return shards(page).getByRole("columnheader", { name });
}

async function sortOf(page: Page, name: string): Promise<string | null> {
  return await head(page, name).getAttribute("aria-sort");
}

/** Waits until the page has been brought up to date once more. */
export async function nextUpdate(page: Page): Promise<void> {
  const asOf = page.locator("#as-of");
  const before = await asOf.textContent();
  await until("the page is brought up to date", async () => await asOf.textContent() !== before);
}

/** Whether the keyboard goes to an element. */
export async function isFocused(element: Locator): Promise<boolean> {
  return await element.evaluate((element) => element.matches(":focus"));
}

/** Checks the tables of the sample. */
export async function checkTables(browser: Browser, checks: Checks, { url }: Guarded): Promise<void> {
  await inWindow(browser, {}, async ({ page, complaints }) => {
    await logIn(page, `${url}/sample`, TOKEN);
    await live(page);
    complaints();

    await checks.run(
      "a click orders a table, first the largest, then the smallest, then as the report has it",
      async () => {
        const link = head(page, "Size").getByRole("link");
        await link.click();
        const descending = await names(page);
        assert.equal(await sortOf(page, "Size"), "descending");
        assert.ok(new URL(page.url()).search === "?sort=-shards.5", page.url());
        await link.click();
        const ascending = await names(page);
        assert.equal(await sortOf(page, "Size"), "ascending");
        assert.deepEqual([...ascending].sort(), [...descending].sort());
        assert.equal(ascending[0], "shard-0");
        await link.click();
        assert.equal(await sortOf(page, "Size"), null);
        assert.deepEqual((await names(page)).slice(0, 3), ["shard-0", "shard-1", "shard-2"]);
      },
    );

    await checks.run("the keyboard orders a table, and the order outlives updates and a reload", async () => {
      await head(page, "Latency").getByRole("link").focus();
      await page.keyboard.press("Enter");
      assert.equal(await sortOf(page, "Latency"), "descending");
      const ordered = await names(page);
      assert.equal(ordered.at(-1), "shard-5", "what has no value comes last");
      await nextUpdate(page);
      assert.deepEqual(await names(page), ordered);
      assert.ok(await isFocused(head(page, "Latency").getByRole("link")));
      await page.reload();
      assert.deepEqual(await names(page), ordered);
      await live(page);
      await nextUpdate(page);
      assert.deepEqual(await names(page), ordered);
    });

    await checks.run(
      "a field filters a table, and keeps what is typed, the focus and the place",
      async () => {
        const field = page.getByRole("searchbox", { name: "Filter Shards" });
        const box = shards(page).locator(".scroll");
        await box.evaluate((element) => element.scrollTop = 50);
        await nextUpdate(page);
        await nextUpdate(page);
        assert.equal(await box.evaluate((element) => element.scrollTop), 50);
        await field.focus();
        await page.keyboard.type("shard-1");
        assert.equal((await names(page)).length, 11);
        assert.equal(await shards(page).locator("output").textContent(), `11 of ${ALL} rows`);
        await nextUpdate(page);
        await nextUpdate(page);
        assert.equal((await names(page)).length, 11);
        assert.equal(await field.inputValue(), "shard-1");
        assert.ok(await isFocused(field));
        await field.fill("");
        assert.equal((await names(page)).length, ALL);
      },
    );

    await checks.run("only a large table has a field", async () => {
      await page.goto(`${url}/`);
      await live(page);
      const sizes = await page.locator("section:has(table)").evaluateAll((sections) =>
        sections.map((section) => ({
          rows: section.querySelectorAll("tbody tr").length,
          hasField: section.querySelector("input[type=search]") !== null,
        }))
      );
      assert.ok(sizes.some(({ rows }) => rows <= 10));
      for (const { rows, hasField } of sizes) assert.equal(hasField, rows > 10, `a table of ${rows} rows`);
    });
  });

  await inWindow(browser, { javaScriptEnabled: false }, async ({ page }) => {
    await logIn(page, `${url}/sample`, TOKEN);
    await checks.run(
      "without scripts a head is a link to the ordered page, and nothing is dead",
      async () => {
        await head(page, "Size").getByRole("link").click();
        assert.equal(new URL(page.url()).search, "?sort=-shards.5");
        assert.equal(await sortOf(page, "Size"), "descending");
        assert.notEqual((await names(page))[0], "shard-0");
        assert.equal(await page.locator(".live, .tools").count(), 0);
      },
    );
  });
}
