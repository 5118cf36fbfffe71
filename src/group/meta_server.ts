/**
 * The meta app of a group on its own port, away from what the apps are held to.
 *
 * @module
 */

import { createMetaApp, type MetaRuntime } from "../meta/mod.ts";
import type { Runtime } from "../runtime.ts";
import type { GroupMetaOptions } from "./group_options.ts";
import { listenError } from "./listen_error.ts";
import type { BoundListener } from "./options.ts";
import { createServerSet, type ServerSet } from "./server_set.ts";

/** A meta app that listens. */
export interface MetaServer {
  /** Where. */
  readonly listener: BoundListener;
  /** Ends it, live pages included. */
  close(): Promise<void>;
}

const DEFAULT_PORT = 8889;

/**
 * Serves the meta app of `shown`.
 *
 * @throws {TypeError} when an option of it makes no sense
 * @throws {BallastError} `LISTEN_FAILED` when its port cannot be listened on
 */
export async function serveMeta(
  { port = DEFAULT_PORT, host = "127.0.0.1", token, hosts = [] }: GroupMetaOptions,
  shown: MetaRuntime,
  runtime: Runtime,
): Promise<MetaServer> {
  const log = runtime.log.child("meta");
  const app = createMetaApp(shown, {
    hosts,
    ...(token !== undefined && { token }),
    onError: (error) => log.error("a page cannot be made", { error }),
  });
  const servers: ServerSet = createServerSet({
    apps: [{ name: "meta", fetch: (request) => app.fetch(request), hostname: host, port }],
    clock: runtime.platform.clock,
    log,
    platform: runtime.platform,
  });
  try {
    const [listener] = await servers.listen();
    return { listener: listener!, close: () => servers.close() };
  } catch (error) {
    throw listenError({ name: "meta", kind: "app", hostname: host, port, path: undefined }, error);
  }
}
