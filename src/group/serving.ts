/**
 * What serves, in one process as in each child: a runtime, the apps behind it, and the set of servers.
 *
 * @module
 */

import { createRuntime, type Runtime } from "../runtime.ts";
import type { GroupOptions, GroupSettings } from "./group_options.ts";
import { withHealth } from "./health.ts";
import type { AppOptions, FetchHandler } from "./options.ts";
import { requestPipeline } from "./pipeline.ts";
import { createServerSet, type ServerSet } from "./server_set.ts";

/** What serves. */
export interface Serving {
  readonly runtime: Runtime;
  readonly servers: ServerSet;
  /** Requests so far, and under way. */
  readonly load: { readonly requests: number; readonly inFlight: number };
  /** Ends the servers, and the runtime where it was made here. */
  close(): Promise<void>;
}

/** The runtime of a group: the one given, or a new one. */
export function runtimeOf(options: GroupOptions): { readonly runtime: Runtime; readonly isOwn: boolean } {
  const { runtime, name, platform } = options;
  if (runtime !== undefined && "reports" in runtime) return { runtime, isOwn: false };
  const named = { ...(name !== undefined && { name }), ...(platform !== undefined && { platform }) };
  return { runtime: createRuntime({ ...named, ...runtime }), isOwn: true };
}

/** Makes what serves; nothing listens yet. `state` is where the group is in its life. */
export function createServing(options: GroupOptions, settings: GroupSettings, state: () => string): Serving {
  const { runtime, isOwn } = runtimeOf(options);
  const { apps, streams, limits, overload, health, requests } = settings;
  const { clock } = runtime.platform;
  const lead = requestPipeline(runtime, { overload, contexts: requests });
  const load = { requests: 0, inFlight: 0 };

  /** In the order in which a request passes: health, its context, overload control, the app. */
  function wrap(fetch: FetchHandler, app: AppOptions): FetchHandler {
    const led = lead(fetch, app);
    const counted: FetchHandler = async (request, info) => {
      load.requests++;
      load.inFlight++;
      try {
        return await led(request, info);
      } finally {
        load.inFlight--;
      }
    };
    if (health === false) return counted;
    return withHealth(counted, { state, check: health === true ? undefined : health, clock });
  }

  const servers = createServerSet({
    apps,
    streams,
    limits,
    wrap,
    clock,
    stats: runtime.stats,
    log: runtime.log.child("servers"),
    platform: runtime.platform,
  });
  const removeReport = runtime.reports.add("servers", servers);
  return {
    runtime,
    servers,
    load,
    async close() {
      await servers.close();
      removeReport();
      if (isOwn) await runtime.close();
    },
  };
}
