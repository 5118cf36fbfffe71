/**
 * Why the group cannot listen, in one line that says what to do.
 *
 * @module
 */

import { BallastError, errorMessage } from "../errors.ts";
import type { ListenerId } from "./options.ts";

/** The error of an address that cannot be listened on. */
export function listenError({ name, hostname, port = 0, path }: ListenerId, cause: unknown): BallastError {
  const { code } = cause as { readonly code?: string };
  const where = path ?? `${hostname}:${port}`;
  const what = name === where ? `"${name}"` : `"${name}" (${where})`;
  const why = {
    EADDRINUSE: "it is taken: another process listens there, end that one or choose another",
    EACCES: "that is not allowed: choose a port of 1024 or above, or a folder that may be written to",
    EADDRNOTAVAIL: "this machine has no such address: choose one that it has, or 0.0.0.0 for all",
    ENOENT: "the folder of that path is not there",
  }[code ?? ""] ?? errorMessage(cause);
  return new BallastError("LISTEN_FAILED", `cannot listen on ${what}: ${why}`, {
    cause,
    data: { listener: name, where, code },
  });
}
