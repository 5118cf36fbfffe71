/**
 * `deno task test:browser`: the pages of the meta app in a real Chromium.
 *
 * The demo is looked at as it is served, and a sample that has everything behind a token. The last line counts.
 */

import { existsSync } from "node:fs";
import process from "node:process";

import { chromium } from "playwright-core";
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

/** The pages of the demo. */
const DEMO_PATHS = [
  "/",
  "/dns",
  "/dns/users.demo.test",
  "/context",
  "/stats",
  "/log",
  "/monitor",
  "/metrics",
  "/shop",
];
/** Longer than this is a failure of its own. */
const LIMIT_MS = 240_000;
/** As a person starts it, less what talks to the world. */
const ARGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const checks = new Checks();
const limit = setTimeout(() => {
  checks.counts.failed++;
  end(`It took longer than ${LIMIT_MS} ms.`);
}, LIMIT_MS);

/** Screenshots of every page are taken where they are asked for: `--screenshots <folder>`. */
const at = Deno.args.indexOf("--screenshots");
const folder = at < 0 ? undefined : Deno.args[at + 1];

const [browser, demo] = await Promise.all([
  chromium.launch({ executablePath, chromiumSandbox: false, args: ARGS }),
  startDemo(),
]);
const guarded = startGuarded();
try {
  await guarded.runtime.ready();
  await Promise.all([
    checkLooks(browser, checks, { name: "demo", url: demo.metaUrl, paths: DEMO_PATHS }, folder),
    checkLooks(browser, checks, {
      name: "guarded",
      url: guarded.url,
      paths: ["/", "/sample", "/sample/shard-3"],
      token: TOKEN,
    }, folder),
  ]);
  await checkTables(browser, checks, guarded);
  await checkActions(browser, checks, guarded, demo);
  await checkLiveness(browser, checks, guarded);
} finally {
  await Promise.all([browser.close(), demo.close(), guarded.close()]);
}
clearTimeout(limit);
end();

function end(remark?: string): never {
  if (remark !== undefined) console.log(remark);
  const { passed, failed } = checks.counts;
  console.log(`${passed} passed, ${failed} failed`);
  Deno.exit(failed === 0 ? 0 : 1);
}
