/** Actions in the browser: with the token, and not without. */

import assert from "node:assert/strict";

import type { Browser } from "playwright-core";
import { type Checks, until } from "./checks.ts";
import { type Demo, type Guarded, TOKEN } from "./services.ts";
import { inWindow, live, logIn } from "./window.ts";

/** A page that is none of ours. */
const STRANGER = "http://127.0.0.1:59999/";

/** Checks the actions of the sample, and that the demo, which has no token, offers none. */
export async function checkActions(
  browser: Browser,
  checks: Checks,
  guarded: Guarded,
  demo: Demo,
): Promise<void> {
  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? "" : ", without scripts";
    await inWindow(browser, { javaScriptEnabled }, async ({ page, complaints }) => {
      await logIn(page, `${guarded.url}/sample`, TOKEN);
      complaints();
      await checks.run(`a form has an action carried out, and the page says how it went${how}`, async () => {
        await page.getByLabel("Whom to greet").fill("the <world>");
        await page.getByRole("button", { name: "Greet" }).click();
        const outcome = page.locator("#outcome");
        await outcome.getByText("Done").waitFor();
        assert.match(
          await outcome.textContent() ?? "",
          /Greet: the <world>[\s\S]*\{"greeted":"the <world>"\}/,
        );
        assert.match(await page.locator("#facts").textContent() ?? "", /the <world>/);
        if (javaScriptEnabled) await live(page);
        assert.ok(await outcome.isVisible(), "it stays while the page is live");
        assert.deepEqual(complaints(), []);
      });
      await checks.run(`an action that fails says why${how}`, async () => {
        await page.getByLabel("Whom to greet").fill("nobody");
        await page.getByRole("button", { name: "Greet" }).click();
        await page.locator("#outcome").getByText("cannot greet nobody").waitFor();
      });
    });
  }

  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? "" : ", without scripts";
    await inWindow(browser, { javaScriptEnabled }, async ({ page, complaints }) => {
      await logIn(page, `${guarded.url}/dns`, TOKEN);
      complaints();
      await checks.run(`a name is found on the page of DNS, and looked up from its own${how}`, async () => {
        await page.getByRole("link", { name: "api.internal" }).click();
        await page.getByRole("heading", { level: 1, name: "api.internal" }).waitFor();
        const lookups = async () => Number(await page.locator("#table-history td").nth(1).textContent());
        const before = await lookups();
        assert.ok(before > 0);
        await page.reload();
        assert.equal(await lookups(), before, "reading changes nothing");
        await page.getByRole("button", { name: "Look up now" }).click();
        await page.locator("#outcome").getByText("Done").waitFor();
        assert.equal(new URL(page.url()).pathname, "/dns/api.internal");
        await until("the lookup is told", async () => await lookups() === before + 1);
        await page.getByRole("navigation", { name: "Up" }).getByRole("link").click();
        await page.getByRole("heading", { level: 1, name: "DNS" }).waitFor();
        assert.deepEqual(complaints(), []);
      });
    });
  }

  await inWindow(browser, {}, async ({ page }) => {
    await checks.run("a wrong token opens nothing", async () => {
      await page.goto(`${guarded.url}/sample`);
      await page.getByLabel("Token").fill("wrong");
      await page.getByRole("button", { name: "Open" }).click();
      await page.getByRole("alert").waitFor();
      assert.equal(await page.getByText("shard-0").count(), 0);
    });

    await checks.run(
      "a page of another origin has nothing carried out, even for who is logged in",
      async () => {
        await logIn(page, `${guarded.url}/sample`, TOKEN);
        const before = guarded.runtime.log.recent().length;
        // Another port is another origin, but the same site: the browser sends the cookie along.
        const action = `${guarded.url}/sample/actions/greet`;
        await page.route(STRANGER, (route) =>
          route.fulfill({
            contentType: "text/html",
            body:
              `<form method="post" action="${action}"><input name="name" value="x"><button>Win</button></form>`,
          }));
        await page.goto(STRANGER);
        const [answer] = await Promise.all([
          page.waitForResponse(action),
          page.getByRole("button", { name: "Win" }).click(),
        ]);
        assert.ok((await answer.request().allHeaders()).cookie, "the cookie is sent along");
        assert.equal(answer.status(), 403);
        assert.equal(guarded.runtime.log.recent().length, before);
      },
    );

    await checks.run("without a token there are no forms, and the page says how to get them", async () => {
      await page.goto(`${demo.metaUrl}/dns`);
      assert.equal(await page.locator("form").count(), 0);
      assert.match(
        await page.locator("#actions").textContent() ?? "",
        /createMetaApp\(runtime, \{ token \}\)/,
      );
    });

    await checks.run("who logs out is a stranger again", async () => {
      await page.goto(`${guarded.url}/`);
      await page.getByRole("button", { name: "Log out" }).click();
      await page.getByLabel("Token").waitFor();
    });
  });
}
