/** A window of the browser that notes everything it complains of. */

import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";

/** An open window. */
export interface Window {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the browser complained of since the last call: errors, warnings, violations of the policy. */
  complaints(): string[];
}

/** Opens a window, and closes it after use. */
export async function inWindow(
  browser: Browser,
  options: BrowserContextOptions,
  use: (window: Window) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const heard: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) heard.push(message.text());
  });
  page.on("pageerror", (error) => heard.push(String(error)));
  try {
    await use({ context, page, complaints: () => heard.splice(0) });
  } finally {
    await context.close();
  }
}

/** Logs in by the form, as a person does. */
export async function logIn(page: Page, url: string, token: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
}

/** Waits until the script says that the page is live. */
export async function live(page: Page): Promise<void> {
  await page.locator('.live[data-state="live"]').waitFor();
}
