/**
 * A 64-bit hash of a text: two lanes of 32 bits, mixed as MurmurHash3 mixes them. The same everywhere, so that sketches of
 * different processes agree; not for secrets.
 *
 * @module
 */

/** The two halves of the last hash: an array of one's own would cost more than the hash. */
export const hash64 = new Uint32Array(2);

/** Hashes the UTF-16 units of `text` into {@linkcode hash64}. */
export function hashText(text: string): void {
  let a = 0x9747b28c;
  let b = 0x3c074a61;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x85ebca6b);
    a = (a << 13) | (a >>> 19);
    b = Math.imul(b ^ unit, 0xc2b2ae35);
    b = (b << 15) | (b >>> 17);
  }
  a = finish(a ^ text.length);
  b = finish(b ^ a);
  hash64[0] = a + b;
  hash64[1] = b;
}

/** MurmurHash3's last step: every bit of the input moves every bit of the output. */
function finish(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
