/**
 * How much memory a value holds, roughly: what V8 takes for it, to within a factor of two.
 *
 * @module
 */

/** Values looked at in one estimate: beyond them, what is left is not counted. */
const MAX_VALUES = 1_000;

const OBJECT_BYTES = 32;
const SLOT_BYTES = 16;

/** Bytes that a value holds, about. Never throws; buffers count whole, functions as nothing. */
export function roughBytes(value: unknown): number {
  const seen = new Set<object>();
  const open: unknown[] = [value];
  let bytes = 0;
  for (let looked = 0; open.length > 0 && looked < MAX_VALUES; looked++) {
    const next = open.pop();
    if (typeof next === "string") bytes += OBJECT_BYTES / 2 + next.length * 2;
    else if (typeof next !== "object" || next === null) bytes += SLOT_BYTES / 2;
    else if (!seen.has(next)) {
      seen.add(next);
      bytes += OBJECT_BYTES + partsOf(next, open);
    }
  }
  return bytes;
}

/** Puts what an object consists of on the stack; gives the bytes of the object's own. */
function partsOf(value: object, open: unknown[]): number {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
  if (value instanceof Error) {
    open.push(value.message, value.stack, value.cause);
    return 3 * SLOT_BYTES;
  }
  try {
    const parts = value instanceof Map
      ? [...value].flat()
      : value instanceof Set
      ? [...value]
      : Object.values(value);
    for (const part of parts) open.push(part);
    return parts.length * SLOT_BYTES;
  } catch {
    // A getter or a proxy that throws.
    return 0;
  }
}
