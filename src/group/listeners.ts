/**
 * The listeners of a group, as its supervisor holds them.
 *
 * @module
 */

import type { ListenAt } from "../platform/server_port.ts";
import type { GroupSettings } from "./group_options.ts";
import type { ListenerId } from "./options.ts";
import { planListeners } from "./settings.ts";

/** A listener that a supervisor holds. */
export interface GroupListener {
  /** What it is called, and what is served on it. */
  readonly id: ListenerId;
  /** Where it listens. */
  readonly at: ListenAt;
  /** Whether it speaks TLS: the children do. */
  readonly isSecure: boolean;
}

/**
 * All listeners of a group.
 *
 * @throws {TypeError | RangeError} when something about one makes no sense
 */
export function listenersOf({ apps, streams, limits }: GroupSettings): readonly GroupListener[] {
  return planListeners(apps, streams, limits).map((plan) => {
    const { path, hostname, port = 0 } = plan.id;
    const at: ListenAt = path === undefined
      ? { kind: "tcp", hostname, port, reusePort: false }
      : { kind: "unix", path };
    const { tls } = "app" in plan ? plan.app : plan.stream;
    return { id: plan.id, at, isSecure: tls !== undefined };
  });
}
