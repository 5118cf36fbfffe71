/** Pages that stay up to date: without a reload, when paused, and when the server goes away and comes back. */

import assert from "node:assert/strict";

import type { Browser, Page } from "playwright-core";
import { type Checks, until } from "./checks.ts";
import { type Guarded, TOKEN } from "./services.ts";
import { isFocused, nextUpdate } from "./tables.ts";
import { inWindow, live, logIn } from "./window.ts";

/** Elements whose content changes, and a row of a table. */
const KEPT = ["h1", "#facts dd", "svg.chart", "svg.chart .line", "#table-shards tbody tr"];

/** How often the report has been read, as the page says. */
async function reads(page: Page): Promise<number> {
  const text = await page.locator("#summary").textContent();
  return Number(/read (\d+) times/.exec(text ?? "")![1]);
}

/** Checks that the sample's page is live. */
export async function checkLiveness(browser: Browser, checks: Checks, guarded: Guarded): Promise<void> {
  await inWindow(browser, {}, async ({ page, complaints }) => {
    await logIn(page, `${guarded.url}/sample`, TOKEN);
    await live(page);
    complaints();

    await checks.run(
      "values change without a reload, and what is on the page stays the same element",
      async () => {
        for (const selector of KEPT) {
          await page.locator(selector).first().evaluate((element) => Object.assign(element, { mark: true }));
        }
        const before = await reads(page);
        await until("the report is read again", async () => await reads(page) > before + 2);
        for (const selector of KEPT) {
          const kept = await page.locator(selector).first().evaluate((element) => "mark" in element);
          assert.ok(kept, selector);
        }
        assert.deepEqual(complaints(), []);
      },
    );

    await checks.run("what is being typed into a form stays", async () => {
      for (const label of ["Whom to greet", "id"]) {
        const field = page.getByLabel(label, { exact: true });
        await field.fill("half a na");
        await nextUpdate(page);
        assert.equal(await field.inputValue(), "half a na");
        assert.ok(await isFocused(field));
        await field.fill("");
      }
    });

    await checks.run("a paused page stands still but for its moments, and goes on when resumed", async () => {
      await page.getByRole("button", { name: "Pause" }).click();
      assert.equal(await page.getByRole("status").first().textContent(), "paused");
      const before = await reads(page);
      const moment = page.locator("#findings time").first();
      const text = await moment.textContent();
      await until("moments go on counting", async () => await moment.textContent() !== text);
      assert.equal(await reads(page), before);
      await page.getByRole("button", { name: "Resume" }).click();
      await live(page);
      assert.ok(await reads(page) > before);
    });

    await checks.run("a page finds its server again, and says meanwhile that it is looking", async () => {
      await guarded.stop();
      await page.locator('.live[data-state="reconnecting"]').waitFor();
      const before = await reads(page);
      guarded.start();
      await page.locator('.live[data-state="live"]').waitFor({ timeout: 20_000 });
      await until("the report is read again", async () => await reads(page) > before);
      complaints();
    });

    await checks.run("a page whose session ends asks for the token", async () => {
      await page.context().clearCookies();
      await guarded.stop();
      guarded.start();
      await page.getByLabel("Token").waitFor({ timeout: 20_000 });
      complaints();
    });
  });

  await checks.run("no stream is left when the windows are closed", async () => {
    const streams = async () => {
      const response = await fetch(`${guarded.url}/`, { headers: { authorization: `Bearer ${TOKEN}` } });
      return (await response.json()).meta.streams;
    };
    await until("the streams end", async () => await streams() === 0);
  });
}
