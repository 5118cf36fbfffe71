import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";

import {
  readBytes,
  readChoice,
  readDuration,
  readInteger,
  readServer,
  readUrl,
} from "../../../src/group/cli/read.ts";
import { suggest } from "../../../src/group/cli/suggest.ts";
import { ballast } from "./support.ts";

test("sizes are read as people write them", () => {
  for (
    const [text, bytes] of [
      ["300MB", 300 * 2 ** 20],
      ["300m", 300 * 2 ** 20],
      ["1.5GiB", 1.5 * 2 ** 30],
      ["64 kB", 65_536],
      ["1048576", 1_048_576],
    ] as const
  ) assert.equal(readBytes(text), bytes, text);
  for (const text of ["", "0", "MB", "-1MB", "3 apples", "1e9", "300MBs"]) {
    assert.throws(() => readBytes(text), /must be a size such as 300MB/, text);
  }
});

test("time spans are read as people write them", () => {
  for (
    const [text, ms] of [["500ms", 500], ["90s", 90_000], ["6h", 21_600_000], ["1h30m", 5_400_000], [
      "2",
      2_000,
    ], ["0.5s", 500]] as const
  ) assert.equal(readDuration(text), ms, text);
  for (const text of ["", "0", "h", "6x", "-1s", "1h 30m", "400d", "6hours"]) {
    assert.throws(() => readDuration(text), /must be a time such as/, text);
  }
});

test("name servers have an address and perhaps a port", () => {
  assert.deepEqual(readServer("10.0.0.2"), { address: "10.0.0.2" });
  assert.deepEqual(readServer("10.0.0.2:5353"), { address: "10.0.0.2", port: 5353 });
  assert.deepEqual(readServer("[2001:db8::1]:53"), { address: "2001:db8::1", port: 53 });
  assert.deepEqual(readServer("2001:db8::1"), { address: "2001:db8::1" });
  for (const text of ["", "dns.example", "10.0.0.2:0", "10.0.0.2:70000", "10.0.0.2:x"]) {
    assert.throws(() => readServer(text), /must be an IP address such as/, text);
  }
});

test("the address of a meta app may be a port, a host or a URL", () => {
  assert.equal(readUrl("8889").href, "http://127.0.0.1:8889/");
  assert.equal(readUrl("meta.internal:8889").href, "http://meta.internal:8889/");
  assert.equal(readUrl("https://meta.internal/ops").href, "https://meta.internal/ops");
  assert.throws(() => readUrl("http://[nonsense"), /must be a URL such as/);
});

test("numbers and words are held to their bounds", () => {
  assert.equal(readInteger(1, 8)("8"), 8);
  for (const text of ["0", "9", "1.5", "", "0x1", " 1"]) {
    assert.throws(() => readInteger(1, 8)(text), /whole number from 1 to 8/);
  }
  assert.equal(readChoice("a", "b")("b"), "b");
  assert.throws(() => readChoice("a", "b")("c"), /must be one of a, b, got "c"/);
});

test("a slip of the fingers is recognised, a stranger is not", () => {
  const names = ["serve", "check-hosts", "top", "token", "timeout"];
  assert.equal(suggest("sevre", names), "serve");
  assert.equal(suggest("check", names), "check-hosts");
  assert.equal(suggest("tokn", names), "token");
  assert.equal(suggest("pot", names), undefined);
  assert.equal(suggest("elephant", names), undefined);
});

test("--help names every command and option, and fits a narrow terminal", async () => {
  const whole = await ballast(["--help"]);
  assert.equal(whole.code, 0);
  for (const word of ["serve <module>", "check-hosts <file>", "top <meta url>", "--version"]) {
    assert.ok(whole.stdout.includes(word), word);
  }
  const each = await Promise.all(["serve", "check-hosts", "top"].map((name) => ballast([name, "--help"])));
  for (const { code, stdout, stderr } of each) {
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^Usage: ballast /);
    const tooLong = stdout.split("\n").filter((line) => line.length > 80);
    assert.deepEqual(tooLong, []);
  }
  const options = ["port", "host", "workers", "meta-port", "meta-host", "meta-token", "max-memory"];
  const more = ["max-requests", "max-age", "watch", "json-logs", "log-level", "dns-server", "hosts-file"];
  for (const name of [...options, ...more, "drain-timeout"]) {
    assert.ok(each[0]!.stdout.includes(`--${name}`), name);
  }
  assert.equal((await ballast(["help", "top"])).stdout, each[2]!.stdout);
});

test("--version is that of the package", async () => {
  const { code, stdout } = await ballast(["--version"]);
  const config = new URL("../../../deno.json", import.meta.url);
  const manifest = new URL("../../../node_modules/@ballast/runtime/package.json", import.meta.url);
  const { version } = JSON.parse(
    readFileSync(process.versions.deno === undefined ? manifest : config, "utf8"),
  );
  assert.equal(code, 0);
  assert.match(stdout, new RegExp(`^ballast ${version.replaceAll(".", "\\.")} \\(\\w+ [\\d.]+`));
});

test("a wrong command line says what was perhaps meant, and ends with 2", async () => {
  const wrong: [string[], RegExp][] = [
    [[], /^ballast: run a service/],
    [["sevre"], /^ballast: unknown command sevre; did you mean serve\?\nTry: ballast --help\n$/],
    [["--nonsense"], /^ballast: unknown option --nonsense; there are serve, check-hosts, top\n/],
    [["top"], /^ballast top: of which service\?/],
    [["top", "1", "2"], /^ballast top: one URL is wanted, got 2/],
    [
      ["top", "--tokn", "x"],
      /^ballast top: unknown option --tokn; did you mean --token\?\nTry: ballast top --help\n$/,
    ],
    [["top", "-x"], /^ballast top: unknown option -x\n/],
    [["top", "8889", "--interval"], /^ballast top: --interval needs a value: --interval <time>\n/],
    [["top", "8889", "--token", "--once"], /^ballast top: --token needs a value/],
    [["top", "8889", "--interval=soon"], /^ballast top: --interval must be a time such as .*, got "soon"\n/],
    [["top", "8889", "--once=yes"], /^ballast top: --once takes no value, got "yes"\n/],
    [["check-hosts"], /^ballast check-hosts: which file\?/],
    [["serve"], /^ballast serve: which module\?/],
    [["serve", "app.ts", "--port", "70000"], /^ballast serve: --port must be a whole number from 0 to 65535/],
    [["serve", "app.ts", "--max-memory", "lots"], /^ballast serve: --max-memory must be a size/],
    [["serve", "app.ts", "--dns-server", "1.1.1.1,resolver"], /^ballast serve: --dns-server must be an IP/],
  ];
  const ends = await Promise.all(wrong.map(([args]) => ballast(args)));
  for (const [index, { code, stdout, stderr }] of ends.entries()) {
    const [args, pattern] = wrong[index]!;
    assert.deepEqual([code, stdout], [2, ""], args.join(" "));
    assert.match(stderr, pattern);
  }
});
