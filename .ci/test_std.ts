/**
 * Tests how Ballast and the Deno standard library go together: `examples/std_interop/`, with an import map of its own.
 *
 * The standard library is on JSR alone. Where that cannot be reached, this is said and counted as skipped; whatever else goes
 * wrong, a registry that answers with an error included, is a failure.
 */

interface Config {
  readonly imports: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string>>;
}

/** Longer than any slow download; a network that swallows everything must not hold up the rest. */
const LIMIT_MS = 300_000;

/** What Deno says when it got no answer at all: had there been one, its status would follow after a colon. */
const UNREACHABLE =
  /JSR package (?:version )?manifest for '(.+)' failed to load[.:] Import '(.+)' failed\.$/m;

const folder = "examples/std_interop";
const config = `${folder}/deno.json`;

const complaints = differences(await read("deno.json"), await read(config));
if (complaints.length > 0) fail(complaints.join("\n"));

for (const args of [["fmt", "--check"], ["lint"]]) {
  const { success, output } = await deno(...args, "--quiet", "--config", config, folder);
  if (!success) fail(output);
}
for (const args of [["check", folder], ["run", `${folder}/main.ts`], ["test", "--no-check", folder]]) {
  const [command, ...rest] = args;
  const { success, output } = await deno(command!, "--quiet", "--config", config, ...rest);
  if (!success) skipIfUnreachable(output);
  if (!success) fail(output);
  if (command === "test") console.log(output);
}

/** How the example's import map departs from the package: other versions from npm, other modules behind its own names. */
function differences(root: Config, example: Config): string[] {
  return Object.entries(example.imports).flatMap(([name, target]) => {
    let wanted = target;
    if (target.startsWith("npm:")) wanted = root.imports[name] ?? "no such import";
    else if (name.startsWith("@ballast/runtime")) {
      const path = root.exports?.[name.replace("@ballast/runtime", ".")];
      wanted = path?.replace("./", "../../") ?? "no such export";
    }
    return target === wanted ? [] : [`${config}: ${name} is ${target}, in deno.json it is ${wanted}`];
  });
}

async function read(path: string): Promise<Config> {
  return JSON.parse(await Deno.readTextFile(new URL(`../${path}`, import.meta.url)));
}

/** Runs this Deno at the top of the project. */
async function deno(...args: string[]): Promise<{ readonly success: boolean; readonly output: string }> {
  const { success, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: new URL("..", import.meta.url),
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).output();
  const output = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("").trim();
  const ended = signal === null ? "" : `\ndeno ${args.join(" ")}: ended by ${signal}`;
  return { success, output: output + ended };
}

function skipIfUnreachable(output: string): void {
  const [, name, url] = UNREACHABLE.exec(output) ?? [];
  if (url === undefined) return;
  console.log(`JSR cannot be reached (${url}), so nothing was tested with ${name}`);
  console.log("0 passed, 0 failed, 1 skipped");
  Deno.exit(0);
}

function fail(text: string): never {
  console.error(text);
  Deno.exit(1);
}
