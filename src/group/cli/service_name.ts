/**
 * What a service is called when nobody says.
 *
 * @module
 */

/** Names of modules that say nothing of what they are about. */
const PLAIN = ["app", "index", "main", "mod", "serve", "server", "service"];
/** Names of folders that do not either. */
const FOLDERS = ["src", "dist", "build", "lib"];

/** The module's name; that of its folder where the module's says nothing: `shop` of `/srv/shop/src/main.ts`. */
export function nameOf(path: string): string {
  const parts = path.split(/[/\\]/).filter((part) => part !== "");
  const file = parts.pop()?.replace(/\.\w+$/, "") ?? "";
  if (file !== "" && !PLAIN.includes(file)) return file;
  return parts.findLast((part) => !FOLDERS.includes(part)) ?? "ballast";
}
