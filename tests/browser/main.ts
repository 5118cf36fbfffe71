/**
 * `deno task test:browser`: the pages of the meta app in a real Chromium.
 *
 * The demo is looked at as it is served, and a sample that has everything behind a token. The last line counts.
 */

import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

// deno-lint-ignore no-import-prefix -- only here, and pinned
import { chromium } from "npm:playwright-core@1.65.1";
import { Checks } from "./checks.ts";
import { checkActions } from "./doing.ts";
import { checkLiveness } from "./liveness.ts";
import { checkLooks } from "./looks.ts";
import { startDemo, startGuarded, TOKEN } from "./services.ts";
import { checkTables } from "./tables.ts";

/** Where Chromium may be; the variable CHROMIUM names another place. */
const BROWSERS = process.env.CHROMIUM === undefined
  ? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
  : [process.env.CHROMIUM];

const executablePath = BROWSERS.find((path) => existsSync(path));
if (executablePath === undefined) {
  console.log(`There is no Chromium at ${BROWSERS.join(", ")}: apt-get install -y chromium`);
  console.log("0 passed, 0 failed, 1 skipped");
  Deno.exit(0);
}

const checks = new Checks();
const folder = mkdtempSync(join(tmpdir(), "ballast-browser-"));
const [browser, demo] = await Promise.all([
  chromium.launch({ executablePath, chromiumSandbox: false }),
  startDemo(),
]);
const guarded = startGuarded();
try {
  await guarded.runtime.ready();
  const paths = ["/", "/dns", "/stats", "/log", "/metrics"];
  if (!Deno.args.length) {
    await checkLooks(
      browser,
      checks,
      { name: "demo", url: demo.metaUrl, paths: [...paths, "/shop"] },
      folder,
    );
  }
  if (!Deno.args.length) {
    await checkLooks(browser, checks, {
      name: "guarded",
      url: guarded.url,
      paths: ["/", "/sample"],
      token: TOKEN,
    }, folder);
  }
  await checkTables(browser, checks, guarded);
  await checkActions(browser, checks, guarded, demo);
  await checkLiveness(browser, checks, guarded);
} finally {
  await Promise.all([browser.close(), demo.close(), guarded.close()]);
}
const { passed, failed } = checks.counts;
console.log(`Screenshots are in ${folder}`);
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);
