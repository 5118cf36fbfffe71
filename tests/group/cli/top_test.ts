import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";

import { createRuntime } from "@ballast/runtime";
import { createMetaApp } from "@ballast/runtime/meta";
import { type FetchServer, serveFetch } from "../../support/serve_fetch.ts";
import { ballast, ballastCommand, type Running, start, until } from "./support.ts";

/** A service whose meta app listens on a port. */
async function withService(
  body: (server: FetchServer) => Promise<void>,
  token?: string,
): Promise<void> {
  await using runtime = createRuntime({ name: "shop" });
  await runtime.ready();
  const meta = createMetaApp(runtime, { token });
  const server = await serveFetch((request) => meta.fetch(request));
  try {
    await body(server);
  } finally {
    await server.close();
  }
}

test("--once prints one picture as plain text, --json one document", () =>
  withService(async ({ url }) => {
    const [once, json] = await Promise.all([
      ballast(["top", url, "--once"]),
      ballast(["top", url.replace("http://", ""), "--json"]),
    ]);
    assert.deepEqual([once.code, once.stderr], [0, ""]);
    assert.match(once.stdout, /^shop {2}● ready/);
    assert.match(once.stdout, /^Sheds .* 0 \/s {2}0 so far$/m);
    assert.ok(!once.stdout.includes("\x1b"));
    assert.deepEqual([json.code, json.stderr], [0, ""]);
    const page = JSON.parse(json.stdout);
    assert.deepEqual([page.url, page.overview.name, page.figures.shed], [url, "shop", 0]);
    assert.equal(page.reports.dns.id, "dns");
  }));

test("a token is given by option or environment, and asked for by name where there is none", () =>
  withService(async ({ url }) => {
    const [without, option, environment, wrong] = await Promise.all([
      ballast(["top", url, "--once"]),
      ballast(["top", url, "--once", "--token", "sesame"]),
      ballast(["top", url, "--once"], { BALLAST_META_TOKEN: "sesame" }),
      ballast(["top", url, "--once", "--token", "parsley"]),
    ]);
    assert.deepEqual([option.code, environment.code], [0, 0]);
    for (const { code, stdout, stderr } of [without, wrong]) {
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(
        stderr,
        /^ballast top: http:\/\/127.0.0.1:\d+: it asks for a token: --token, or BALLAST_META_TOKEN\n$/,
      );
    }
  }, "sesame"));

test("where nothing answers, or nobody looks, one line says what to do and the code is 1", async () => {
  const { url, close } = await serveFetch(() => new Response());
  await close();
  const [dead, unseen] = await Promise.all([ballast(["top", url, "--once"]), ballast(["top", url])]);
  assert.deepEqual([dead.code, dead.stdout], [1, ""]);
  assert.equal(dead.stderr, `ballast top: ${url}: connection refused: nothing listens there\n`);
  assert.deepEqual([unseen.code, unseen.stdout], [1, ""]);
  assert.equal(unseen.stderr, "ballast top: the live view needs a terminal: use --once or --json\n");
});

test("a reader that has had enough ends it without a word", () =>
  withService(async ({ url }) => {
    const [program, ...args] = ballastCommand();
    const quoted = [program, ...args, "top", url, "--json"].map((part) => `'${part}'`).join(" ");
    const { code, stderr } = await start(["bash", "-c", `set -o pipefail; ${quoted} | true; exit 0`]).ended;
    assert.deepEqual([code, stderr], [0, ""]);
  }));

const hasTerminal = spawnSync("script", ["--version"]).status === 0;
const skip = hasTerminal ? false : "needs `script` of util-linux, for a terminal to run in";

/** Runs the live view in a terminal of 80 by 24, once it has drawn a picture; whatever happens, it is ended. */
async function inTerminal(url: string, body: (top: Running) => Promise<void>): Promise<void> {
  const command = [...ballastCommand(), "top", url, "--interval", "200ms"].map((part) => `"${part}"`).join(
    " ",
  );
  // Two shells: the inner one becomes the program, the outer one, which is what `script` looks at, is never stopped with it.
  const shell = `stty rows 24 cols 80; sh -c 'echo "pid=$$;"; exec ${command}'; exit $?`;
  const env = { SHELL: "/bin/sh", NO_COLOR: "", TERM: "xterm-256color" };
  const top = start(["script", "-qec", shell, "/dev/null"], env);
  try {
    await until(() => top.stdout().includes("● live"), "a picture");
    await body(top);
  } finally {
    top.child.kill("SIGKILL");
  }
}

const ENTER = "\x1b[?1049h";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";

function pidOf({ stdout }: Running): number {
  return Number(/pid=(\d+);/.exec(stdout())![1]);
}

test(
  "in a terminal it takes the screen, follows keys, and gives the screen back on q",
  { skip },
  () =>
    withService(({ url }) =>
      inTerminal(url, async (top) => {
        assert.ok(top.stdout().includes(ENTER));
        top.child.stdin!.write("2");
        await until(() => top.stdout().includes("Names held"), "the view of DNS");
        top.child.stdin!.write("?");
        await until(() => top.stdout().includes("Any key goes back."), "the help");
        top.child.stdin!.write("q");
        const { code, stdout } = await top.ended;
        assert.equal(code, 0);
        assert.ok(stdout.trimEnd().endsWith(LEAVE), "the screen is as it was");
      })
    ),
);

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  test(
    `${signal} gives the screen back`,
    { skip },
    () =>
      withService(({ url }) =>
        inTerminal(url, async (top) => {
          process.kill(pidOf(top), signal);
          assert.ok((await top.ended).stdout.trimEnd().endsWith(LEAVE));
        })
      ),
  );
}

test(
  "stopped by SIGTSTP it gives the screen back, and takes it again when it goes on",
  { skip },
  () =>
    withService(({ url }) =>
      inTerminal(url, async (top) => {
        process.kill(pidOf(top), "SIGTSTP");
        await until(() => top.stdout().endsWith(LEAVE), "the screen to be given back");
        process.kill(pidOf(top), "SIGCONT");
        const isTaken = () => top.stdout().lastIndexOf(ENTER) > top.stdout().lastIndexOf(LEAVE);
        await until(isTaken, "the screen to be taken");
        top.child.stdin!.write("q");
        assert.equal((await top.ended).code, 0);
      })
    ),
);

test("a service that goes away and comes back is followed, with no crash in between", { skip }, async () => {
  await using runtime = createRuntime({ name: "shop" });
  const meta = createMetaApp(runtime);
  let isUp = true;
  const server = await serveFetch((request) =>
    isUp ? meta.fetch(request) : new Response("gone", { status: 502 })
  );
  try {
    await inTerminal(server.url, async (top) => {
      isUp = false;
      await until(() => top.stdout().includes("it answered 502. "), "word of the trouble");
      const lost = top.stdout().length;
      isUp = true;
      await until(() => top.stdout().slice(lost).includes("● live"), "a picture again");
      top.child.stdin!.write("\x03");
      assert.equal((await top.ended).code, 0);
    });
  } finally {
    await server.close();
  }
});
