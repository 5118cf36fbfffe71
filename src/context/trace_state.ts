/**
 * `tracestate`: what tracing systems carry along with a trace. It is passed on unchanged, or not at all.
 *
 * @module
 */

const MAX_MEMBERS = 32;
/** Level 2's key, which takes in level 1's `tenant@system`. */
const MEMBER =
  /^([a-z0-9][a-z0-9_\-*/@]{0,255})=([\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e])$/;

/**
 * A `tracestate` header in its shortest form; undefined where it is empty, or one that the specification has us discard
 * as a whole: ill-formed, with more than 32 members, or with a key that is there twice.
 */
export function readTraceState(header: string | null | undefined): string | undefined {
  if (!header) return undefined;
  const keys = new Set<string>();
  const members: string[] = [];
  for (const part of header.split(",")) {
    const member = part.replace(/^[ \t]+|[ \t]+$/g, "");
    // Empty members are allowed, and mean nothing.
    if (member === "") continue;
    const key = MEMBER.exec(member)?.[1];
    if (key === undefined || keys.has(key) || members.length === MAX_MEMBERS) return undefined;
    keys.add(key);
    members.push(member);
  }
  return members.length === 0 ? undefined : members.join(",");
}
