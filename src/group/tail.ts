/**
 * The last lines of what a process writes.
 *
 * @module
 */

const MAX_LINES = 20;
const MAX_CHARACTERS = 4_000;

/** Keeps the last lines of a text that comes in pieces. */
export class Tail {
  #text = "";

  /** Adds a piece. */
  add(text: string): void {
    // Cut now and then, not for every piece.
    this.#text += text;
    if (this.#text.length > 4 * MAX_CHARACTERS) this.#text = this.#text.slice(-MAX_CHARACTERS);
  }

  /** The last lines, without colours and what else a terminal would not show. */
  get text(): string {
    // deno-lint-ignore no-control-regex
    const plain = this.#text.slice(-MAX_CHARACTERS).replace(/\x1b\[[0-9;]*m/g, "");
    return plain.trimEnd().split("\n").slice(-MAX_LINES).join("\n");
  }
}
