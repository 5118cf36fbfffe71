/** Not there yet. */
import type { Shell } from "../../platform/shell.ts";
import type { ServeGiven } from "./serve.ts";
export function runServe(_module: string, _options: ServeGiven, _shell: Shell): Promise<number> {
  return Promise.reject(new Error("not there yet"));
}
