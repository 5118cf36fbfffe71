import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { ballast } from "./support.ts";

const GOOD = `{
  "schema": 1,
  "version": "2026-11-24.1",
  "hosts": { "db.internal": ["10.0.0.4"] },
  "preresolve": ["api.example"]
}
`;
const BAD = `{
  "schema": 1,
  "version": "8",
  "hosts": {
    "db.internal": ["ten"]
  },
  "colour": "blue"
}
`;

let folder = "";
const file = (name: string) => join(folder, name);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "ballast-check-"));
  await writeFile(file("good.json"), GOOD);
  await writeFile(file("bad.json"), BAD);
  await writeFile(
    file("twice.json"),
    GOOD.replace(`["10.0.0.4"] }`, `["10.0.0.4"],\n    "db.internal": [] }`).replace(
      "[] }",
      `["10.0.0.5"] }`,
    ),
  );
  await writeFile(file("comma.json"), GOOD.replace(`["api.example"]`, `["api.example",]`));
  await writeFile(file("hosts"), "127.0.0.1 localhost\n10.0.0.4\tdb.internal db # the primary\n");
  await writeFile(file("hosts.bad"), "127.0.0.1 localhost\n10.0.0.300 db\n10.0.0.4 bad_name! ok\n");
});
after(() => rm(folder, { recursive: true }));

test("good files are said to be good, and what is in them", async () => {
  const { code, stdout, stderr } = await ballast(["check-hosts", file("good.json"), file("hosts")]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.deepEqual(stdout.split("\n"), [
    `${file("good.json")}: good, version 2026-11-24.1: 1 name, 1 to preresolve`,
    `${file("hosts")}: good, 3 names`,
    "",
  ]);
  assert.equal((await ballast(["check-hosts", "--quiet", file("good.json")])).stdout, "");
});

test("a mistake is told with its line and column, on stderr, and the code is 1", async () => {
  const names = ["bad.json", "twice.json", "comma.json", "hosts.bad", "not-there.json"];
  const { code, stdout, stderr } = await ballast(["check-hosts", ...names.map(file), file("good.json")]);
  assert.equal(code, 1);
  assert.match(stdout, /good\.json: good/);
  const lines = stderr.replaceAll(`${folder}/`, "").trimEnd().split("\n");
  assert.equal(lines.length, 7, stderr);
  assert.match(lines[0]!, /^bad\.json:7:3: colour: is unknown; there are schema, version/);
  assert.match(lines[1]!, /^bad\.json:5:5: hosts\["db\.internal"\]: .*"ten"/);
  assert.match(lines[2]!, /^twice\.json:5:5: hosts\["db\.internal"\]: is there twice/);
  assert.match(
    lines[3]!,
    /^comma\.json:5:31: the document is no JSON: there is a comma too many before "\]"/,
  );
  assert.match(lines[4]!, /^hosts\.bad:2:1: must begin with an IP address, got "10\.0\.0\.300"/);
  assert.match(lines[5]!, /^hosts\.bad:3:10: "bad_name!" is no host name/);
  assert.match(lines[6]!, /^not-there\.json: cannot be read: no such file or directory/i);
});

test("--json says the same for programs", async () => {
  const { code, stdout, stderr } = await ballast([
    "check-hosts",
    "--json",
    file("good.json"),
    file("bad.json"),
  ]);
  assert.deepEqual([code, stderr], [1, ""]);
  const [good, bad] = JSON.parse(stdout);
  assert.deepEqual(
    [good.ok, good.form, good.version, good.counts.hosts],
    [true, "topology", "2026-11-24.1", 1],
  );
  assert.deepEqual([bad.ok, bad.problems[1].line, bad.problems[1].column], [false, 5, 5]);
});
