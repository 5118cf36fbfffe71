/** What a package consists of: every module that the exports of `deno.json` reach, and the packages those import. */

/** The part of `deno.json` that a package is made from. */
export interface Config {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
}

/** The modules of a package, by their paths from its root: `src/clock.ts`. */
export interface Modules {
  /** All of them, sorted. */
  readonly all: readonly string[];
  /** Those that are loaded when the package runs; the others hold nothing but types. */
  readonly run: ReadonlySet<string>;
  /** Those that are loaded by URL, sorted: that is how a worker is started. */
  readonly entries: readonly string[];
  /** Bare specifiers they import: `hono/html`. */
  readonly bare: ReadonlySet<string>;
}

interface InfoModule {
  readonly kind: string;
  readonly specifier: string;
  readonly error?: string;
  readonly dependencies?: readonly {
    readonly specifier: string;
    readonly code?: { readonly specifier?: string };
  }[];
}

/** The root of the project. */
export const root = new URL("../", import.meta.url);

/** Reads `deno.json`. */
export async function readConfig(): Promise<Config> {
  return JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
}

/** Walks the imports from every export, and from every module that one of them loads by URL. */
export async function findModules(config: Config): Promise<Modules> {
  const seen = new Map<string, InfoModule>();
  const starts = Object.values(config.exports).map((path) => new URL(path, root).href);
  const entries = new Set<string>();
  for (const start of starts) {
    for (const module of await walk(start)) {
      if (module.error !== undefined) throw new Error(module.error);
      if (seen.has(module.specifier) || !module.specifier.startsWith(root.href)) continue;
      seen.set(module.specifier, module);
      for (const path of urlsOf(await Deno.readTextFile(new URL(module.specifier)))) {
        const url = new URL(path, module.specifier).href;
        entries.add(pathOf(url));
        if (!starts.includes(url)) starts.push(url);
      }
    }
  }

  const run = new Set<string>();
  function load(specifier: string | undefined): void {
    const module = seen.get(specifier ?? "");
    if (module === undefined || run.has(pathOf(module.specifier))) return;
    run.add(pathOf(module.specifier));
    for (const { code } of module.dependencies ?? []) load(code?.specifier);
  }
  starts.forEach(load);

  const imports = [...seen.values()].flatMap(({ dependencies = [] }) => dependencies);
  return {
    all: [...seen.keys()].map(pathOf).sort(),
    run,
    entries: [...entries].sort(),
    bare: new Set(imports.map(({ specifier }) => specifier).filter((text) => /^[@\w]/.test(text))),
  };
}

/** The module graph below one module, as Deno sees it. */
async function walk(start: string): Promise<InfoModule[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--quiet", "--json", start],
    cwd: root,
  }).output();
  if (!success) throw new Error(`deno info ${start}: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout)).modules;
}

/** What a text imports, or names by its URL, as {@linkcode urlsOf} finds it. */
export function importsOf(text: string): string[] {
  const statics = text.matchAll(/^(?:import|export|\})(?:[^"'\n]*\bfrom)?\s*"([^"\n]+)"/gm);
  const dynamics = text.matchAll(/\bimport\(\s*"([^"\n]+)"/g);
  return [...[...statics, ...dynamics].map(([, specifier]) => specifier!), ...urlsOf(text)];
}

/** What is loaded by URL: `new URL("./x.ts", import.meta.url)`, or `import.meta.resolve("./x.ts")`. */
function urlsOf(text: string): string[] {
  const urls = text.matchAll(/\bnew URL\(\s*"(\.[^"\n]+)",\s*import\.meta\.url\b/g);
  const resolved = text.matchAll(/\bimport\.meta\.resolve\(\s*"(\.[^"\n]+)"/g);
  return [...urls, ...resolved].map(([, path]) => path!);
}

function pathOf(specifier: string): string {
  return decodeURIComponent(specifier.slice(root.href.length));
}
