import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

/** The layers, lowest first: a module imports from its own folder and from layers below it. */
const LAYERS: readonly (readonly string[])[] = [
  ["kernel"],
  ["platform"],
  ["stats"],
  ["log"],
  ["context"],
  ["dns", "overload"],
  ["connections", "workers"],
  ["topology"],
  ["runtime", "testing"],
  ["meta"],
  ["group"],
  ["cli"],
];

/** Modules at the top of src/ that are no part of the kernel. */
const TOP = ["runtime", "testing"];

/** What stands on the group, in a folder of it. */
const CLI = "src/group/cli/";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => `src/${path.replaceAll("\\", "/")}`);

interface Import {
  readonly specifier: string;
  /** Vanishes when compiled. */
  readonly typeOnly: boolean;
}

/** The text without comments: what is said about a runtime is no use of it. */
function code(path: string): string {
  return readFileSync(join(root, path), "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/(^|\s)\/\/.*$/gm, "$1");
}

function importsOf(path: string): Import[] {
  const text = code(path);
  const statics = [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,]+?\sfrom\s+)?"([^"]+)"/g),
  ];
  const dynamics = [...text.matchAll(/import\(\s*"([^"]+)"/g)];
  return [
    ...statics.map(([, type, specifier]) => ({ specifier: specifier!, typeOnly: type !== undefined })),
    ...dynamics.map(([, specifier]) => ({ specifier: specifier!, typeOnly: false })),
  ];
}

function resolved(from: string, specifier: string): string {
  return relative(root, join(root, dirname(from), specifier)).replaceAll("\\", "/");
}

function layerOf(path: string): number {
  const [, folder, file] = /^src\/(?:(\w+)\/)?(?:.*\/)?(\w+)\.ts$/.exec(path)!;
  const name = path.startsWith(CLI) ? "cli" : folder ?? (TOP.includes(file!) ? file! : "kernel");
  const layer = LAYERS.findIndex((names) => names.includes(name));
  assert.notEqual(layer, -1, `${path} is in no layer`);
  return layer;
}

/** The command line has folders of its own, and is one part. */
function folderOf(path: string): string {
  return path.startsWith(CLI) ? CLI : dirname(path);
}

const graph = new Map(
  sources.map((path) => [
    path,
    importsOf(path).filter(({ specifier }) => specifier.startsWith(".")).map((found) => ({
      ...found,
      to: resolved(path, found.specifier),
    })),
  ]),
);

test("every import points at a file of src/, downwards or within its own folder", () => {
  const wrong: string[] = [];
  for (const [path, imports] of graph) {
    for (const { to } of imports) {
      if (!graph.has(to)) wrong.push(`${path} imports ${to}, which is not there`);
      else if (layerOf(to) > layerOf(path)) wrong.push(`${path} imports ${to} from a layer above`);
      else if (layerOf(to) === layerOf(path) && folderOf(to) !== folderOf(path)) {
        wrong.push(`${path} imports ${to} from a neighbour of its layer`);
      }
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(graph.size > 40, "the walk found the sources");
});

test("the port is types only, and stands on the kernel and its own parts alone", () => {
  const ports = sources.filter((path) => /^src\/platform\/(?:\w+_)?port\.ts$/.test(path));
  assert.ok(ports.length > 0);
  for (const path of ports) {
    const wrong = graph.get(path)!.filter(({ typeOnly, to }) =>
      !typeOnly || !(layerOf(to) === 0 || ports.includes(to))
    );
    assert.deepEqual(wrong, [], path);
  }
});

test("no module needs itself to load", () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  function walk(path: string, trail: readonly string[]): void {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
    if (done.has(path) || trail.includes(path)) return;
    for (const { to, typeOnly } of graph.get(path) ?? []) if (!typeOnly) walk(to, [...trail, path]);
    done.add(path);
  }
  for (const path of graph.keys()) walk(path, []);
  assert.deepEqual(cycles, []);
});

/** Lines of src/ that match, outside the files allowed. */
function offences(pattern: RegExp, allowed: readonly string[]): string[] {
  return sources.filter((path) => !allowed.some((prefix) => path.startsWith(prefix))).flatMap((path) =>
    code(path).split("\n").flatMap((line, index) =>
      pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []
    )
  );
}

test("Deno is named in its port alone", () => {
  assert.deepEqual(
    offences(/\bDeno\.(?!version\b.*as)/, ["src/platform/deno.ts", "src/platform/detect.ts"]),
    [],
  );
});

test("Node's built-ins are named in their port alone, and never imported statically", () => {
  assert.deepEqual(offences(/["'`]node:|\bprocess\./, ["src/platform/node"]), []);
  const statics = sources.flatMap((path) =>
    importsOf(path).filter(({ specifier, typeOnly }) => specifier.startsWith("node:") && !typeOnly).map(() =>
      path
    )
  );
  assert.deepEqual(statics, []);
});

test("time, timers and chance come from the clock alone", () => {
  const pattern =
    /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bset(?:Timeout|Interval)\(|\bMath\.random\b/;
  // The script of the pages runs in a browser.
  assert.deepEqual(offences(pattern, ["src/clock.ts", "src/meta/script.ts"]), []);
});

test("HTTP and HTML live in the meta app alone", () => {
  assert.deepEqual(offences(/from "hono/, ["src/meta/"]), []);
});

test("nothing that Node 20 cannot parse or run", () => {
  assert.deepEqual(offences(/^\s*(?:await )?using \w|Promise\.withResolvers|with \{ type:/, []), []);
});
