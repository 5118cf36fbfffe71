/**
 * Random identifiers of traces and spans.
 *
 * @module
 */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Random bytes are drawn this many at a time: a call costs more than the bytes. */
const POOL_BYTES = 1_024;

let pool = new Uint8Array(0);
let used = 0;

/** `bytes` random bytes as lowercase hexadecimal digits; never zeros alone, which mean "no id". */
export function randomId(bytes: number): string {
  if (used + bytes > pool.length) {
    // Not when the module is loaded: workerd forbids randomness there.
    pool = crypto.getRandomValues(new Uint8Array(POOL_BYTES));
    used = 0;
  }
  let id = "";
  let any = 0;
  for (const end = used + bytes; used < end; used++) {
    any |= pool[used]!;
    id += HEX[pool[used]!];
  }
  return any === 0 ? randomId(bytes) : id;
}
