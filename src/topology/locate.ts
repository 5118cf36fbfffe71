/**
 * Where things are in a JSON text: what `JSON.parse` does not tell. Read only when something is wrong, or when a file is checked.
 *
 * @module
 */

/** A place in a text, both from 1; columns count UTF-16 units, as editors do. */
export interface TextPlace {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** What is where in a JSON text. */
export interface JsonMap {
  /** Where the key of a member, or an element, begins; by its path as in `hosts["db.internal"][0]`. */
  readonly offsets: ReadonlyMap<string, number>;
  /** Keys that an object has twice: only the last of them counts. */
  readonly repeated: readonly { readonly path: string; readonly offset: number }[];
  /** Where and why it is no JSON; what is above was found before that. */
  readonly fault?: { readonly offset: number; readonly message: string };
}

/** Nested deeper than that, nothing is looked for. */
const MAX_DEPTH = 64;

/** Maps a text. Never throws. */
export function mapJson(text: string): JsonMap {
  const scanner = new Scanner(text);
  try {
    scanner.document();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { ...scanner.found, fault: { offset: error.offset, message: error.message } };
  }
  return scanner.found;
}

/** Line and column of an offset. */
export function placeOf(text: string, offset: number): TextPlace {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - lineStart + 1 };
}

class Fault extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

class Scanner {
  readonly found = {
    offsets: new Map<string, number>(),
    repeated: [] as { path: string; offset: number }[],
  };
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    this.#value("", 0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#fault("the document ends before this");
  }

  #value(path: string, depth: number): void {
    this.#space();
    const next = this.#text[this.#at];
    if (next === "{") this.#list("}", depth, () => this.#member(path, depth));
    else if (next === "[") {
      let index = 0;
      this.#list("]", depth, () => this.#element(`${path}[${index++}]`, depth));
    } else if (next === '"') this.#string();
    else this.#word();
  }

  #list(end: "}" | "]", depth: number, item: () => void): void {
    if (depth > MAX_DEPTH) throw this.#fault(`nested deeper than ${MAX_DEPTH}`);
    this.#at++;
    this.#space();
    if (this.#skip(end)) return;
    for (;;) {
      item();
      this.#space();
      if (this.#skip(end)) return;
      const comma = this.#at;
      if (!this.#skip(",")) throw this.#fault(`"," or "${end}" is missing before ${this.#seen()}`);
      this.#space();
      if (this.#text[this.#at] === end) throw new Fault(comma, `there is a comma too many before "${end}"`);
    }
  }

  #member(path: string, depth: number): void {
    const offset = this.#at;
    if (this.#text[offset] !== '"') {
      throw this.#fault(`a key in double quotes is wanted, not ${this.#seen()}`);
    }
    const key = this.#string();
    const own = path === "" ? key : `${path}[${JSON.stringify(key)}]`;
    if (this.found.offsets.has(own)) this.found.repeated.push({ path: own, offset });
    this.found.offsets.set(own, offset);
    this.#space();
    if (!this.#skip(":")) throw this.#fault(`":" is missing before ${this.#seen()}`);
    this.#value(own, depth + 1);
  }

  #element(path: string, depth: number): void {
    this.found.offsets.set(path, this.#at);
    this.#value(path, depth + 1);
  }

  #string(): string {
    const start = this.#at++;
    for (; this.#text[this.#at] !== '"'; this.#at++) {
      const char = this.#text[this.#at];
      if (char === undefined || char === "\n") {
        this.#at = start;
        throw this.#fault("this text has no closing quote");
      }
      if (char < " ") throw this.#fault("a control character in a text must be written as \\u");
      if (char === "\\" && !/^\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/.test(this.#text.substr(this.#at++, 6))) {
        this.#at--;
        throw this.#fault(`there is no escape ${JSON.stringify(this.#text.substr(this.#at, 2))}`);
      }
    }
    this.#at++;
    return JSON.parse(this.#text.slice(start, this.#at));
  }

  /** A number, or one of three words. */
  #word(): void {
    const pattern = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.+-])/iy;
    pattern.lastIndex = this.#at;
    const [word] = pattern.exec(this.#text) ?? [];
    if (word === undefined || !/^(?:true|false|null|[-\d].*)$/.test(word)) {
      throw this.#fault(`a value is wanted, not ${this.#seen()}`);
    }
    this.#at += word.length;
  }

  #space(): void {
    while (" \t\n\r".includes(this.#text[this.#at] ?? "x")) this.#at++;
  }

  #skip(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  /** What stands here, for a message. */
  #seen(): string {
    const [word] = /^[\w.+-]{1,20}|^./u.exec(this.#text.slice(this.#at, this.#at + 24)) ?? [];
    return word === undefined ? "the end of the text" : JSON.stringify(word);
  }

  #fault(message: string): Fault {
    return new Fault(this.#at, message);
  }
}
