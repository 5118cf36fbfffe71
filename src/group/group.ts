/**
 * Makes a group: this process is all of it, its supervisor, or one of its children.
 *
 * @module
 */

import { BallastError } from "../errors.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { Platform } from "../platform/port.ts";
import type { ParentProcess, PlatformProcesses } from "../platform/process_port.ts";
import { createChild } from "./child.ts";
import { type GroupOptions, processesOf, readOptions } from "./group_options.ts";
import type { Group } from "./group_types.ts";
import { CHILD_MARKER, type ChildMarker, readMarker } from "./messages.ts";
import { createSingle } from "./single.ts";
import { createSupervisor } from "./supervisor.ts";

/** What this process was started as; looked up once, before a program's own children could inherit it. */
let place: Place | undefined;

type Place = { readonly marker: ChildMarker; readonly parent: ParentProcess } | "free" | "taken";

/**
 * Makes a server group: several HTTP apps and raw TCP handlers on several ports, in this process, or with `workers` in as many children
 * that share the ports.
 *
 * Children are this same program, started again; there `createGroup` gives the child's part. So what comes before it in the program runs
 * in the supervisor and in every child: what only a child needs is opened in `onChildStart`. The supervisor accepts every connection and
 * hands it to the child with the fewest in hand, so that no connection is lost while children come and go.
 *
 * @example One process
 * ```ts
 * import assert from "node:assert/strict";
 * import { createGroup } from "@ballast/runtime/group";
 *
 * await using group = createGroup({
 *   apps: [{ name: "web", fetch: () => new Response("hello"), hostname: "127.0.0.1", port: 0 }],
 *   signals: false, // a service leaves this out, and ends with `await group.serve()`
 * });
 * const [web] = await group.ready();
 * assert.equal(await (await fetch(web!.url)).text(), "hello");
 * assert.equal(group.role, "single");
 * ```
 * @throws {TypeError | RangeError} when an option makes no sense
 * @throws {BallastError} `UNSUPPORTED` where there are no processes or listeners, or the program cannot be started again
 */
export function createGroup(options: GroupOptions): Group {
  const settings = readOptions(options);
  const platform = platformOf(options);
  const processes = processesOf(platform);
  if (settings.workers < 2) return createSingle(options, settings, processes);
  place ??= placeOf(processes);
  if (place === "taken") {
    throw new BallastError(
      "UNSUPPORTED",
      "this process has a group with workers already: serve all apps with one, or give the other no workers",
    );
  }
  const own = place;
  place = "taken";
  return own === "free"
    ? createSupervisor(options, settings, processes)
    : createChild(options, settings, { ...own, processes });
}

function platformOf({ platform, runtime }: GroupOptions): Platform {
  return platform ?? runtime?.platform ?? detectPlatform();
}

function placeOf(processes: PlatformProcesses): Place {
  const text = processes.takeMarker(CHILD_MARKER);
  if (text === undefined) return "free";
  const parent = processes.parent();
  if (parent === "gone") {
    // While this child was starting. As its own supervisor it would run for ever, where nobody looks for it.
    processes.exit(1);
    throw new BallastError("CLOSED", "the supervisor of this child has ended, and so does the child");
  }
  // It was inherited by somebody who is no child.
  return parent === undefined ? "free" : { marker: readMarker(text), parent };
}
