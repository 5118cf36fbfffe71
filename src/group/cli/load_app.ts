/**
 * The module that is served, and what it is made to answer with.
 *
 * @module
 */

import { errorMessage } from "../../errors.ts";
import type { Runtime } from "../../runtime.ts";
import type { FetchHandler } from "../options.ts";

/** What a module gives to a service. */
export interface LoadedApp {
  /** Answers requests. */
  readonly fetch: FetchHandler;
  /** The module's `onStart`: called with the runtime before the first request. @default there is none */
  readonly onStart?: (runtime: Runtime) => void | Promise<void>;
}

/** What a module may look like, for error texts. */
const SHAPES =
  '"export default { fetch }", "export default app" (of Hono) or "export default (request) => new Response()"';

/**
 * Loads a module.
 *
 * @throws {Error} when it cannot be loaded, or exports nothing that answers requests: the text says which file, and why
 */
export async function loadApp(url: string, label: string): Promise<LoadedApp> {
  let module: Record<string, unknown>;
  try {
    module = await import(url);
  } catch (cause) {
    throw new Error(`${label} cannot be loaded: ${loadReason(cause)}`, { cause });
  }
  return appOf(module, label);
}

/**
 * What a module gives to a service, by its exports.
 *
 * @throws {TypeError} when none of them answers requests
 */
export function appOf(module: Readonly<Record<string, unknown>>, label: string): LoadedApp {
  const { default: app, onStart } = module;
  if (onStart !== undefined && typeof onStart !== "function") {
    throw new TypeError(`${label}: onStart must be a function of the runtime, got ${kindOf(onStart)}`);
  }
  return {
    fetch: fetchOf(app, label),
    ...(onStart !== undefined && { onStart: onStart as LoadedApp["onStart"] & object }),
  };
}

function fetchOf(app: unknown, label: string): FetchHandler {
  // Looked up at each request: an app may put another in its place.
  if (hasFetch(app)) return (request, info) => app.fetch(request, info);
  if (typeof app === "function" && !/^class\b/.test(Function.prototype.toString.call(app))) {
    return app as FetchHandler;
  }
  const got = app === undefined ? "it has no default export" : `its default export is ${kindOf(app)}`;
  throw new TypeError(`${label} answers no requests: ${got}; write ${SHAPES}`);
}

function hasFetch(app: unknown): app is { fetch: FetchHandler } {
  return ((typeof app === "object" && app !== null) || typeof app === "function") &&
    typeof (app as { fetch?: unknown }).fetch === "function";
}

function kindOf(value: unknown): string {
  if (typeof value === "object" && value !== null) return "an object without fetch";
  return typeof value === "function" ? "a class" : `${value === null ? "null" : `a ${typeof value}`}`;
}

/** The error's text, and where in the module it came from. */
function loadReason(error: unknown): string {
  const { code, stack } = error as { code?: unknown; stack?: unknown };
  if (code === "ERR_UNKNOWN_FILE_EXTENSION") {
    return "this Node does not run TypeScript: use Node 22.18 or newer, Deno, or the compiled module";
  }
  const place = /\(?(file:\/\/\S+?:\d+:\d+)\)?/.exec(String(stack ?? ""))?.[1];
  const text = errorMessage(error);
  return place === undefined || text.includes(place) ? text : `${text} (at ${place})`;
}
