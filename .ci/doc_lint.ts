/**
 * Lints the documentation of everything that is exported.
 *
 * One complaint is expected and left out: `createMetaApp` gives a Hono app, and the linter takes every type of another
 * package for a private one.
 */

const EXPECTED = /^error\[private-type-ref\]: public type 'createMetaApp' references private type 'Hono'$/m;

const config = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url)));
const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
  args: ["doc", "--quiet", "--lint", ...Object.values<string>(config.exports)],
  env: { NO_COLOR: "1" },
}).output();
const complaints = new TextDecoder().decode(new Uint8Array([...stdout, ...stderr]))
  .split(/\n(?=error)/)
  .filter((text) => /^error\[/.test(text) && !EXPECTED.test(text));
if (complaints.length > 0) {
  console.error(complaints.join("\n"));
  console.error(`${complaints.length} complaints about the documentation of what is exported.`);
  Deno.exitCode = 1;
}
