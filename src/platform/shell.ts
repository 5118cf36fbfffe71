/**
 * What a command line asks of the process it runs in: types only. `node_shell.ts` implements it, for Node, Bun and Deno alike.
 *
 * @module
 */

/** The process, as a command sees it. */
export interface Shell {
  /** What stands behind the command's name. */
  readonly args: readonly string[];
  /** The environment; a variable that may not be read is not there. */
  env(name: string): string | undefined;
  /** The folder that relative paths start from. */
  cwd(): string;
  /** Where results go. */
  readonly stdout: ShellOutput;
  /** Where messages go. */
  readonly stderr: ShellOutput;
  /** What is typed. */
  readonly stdin: ShellInput;
  /** Takes arguments apart by `node:util`'s `parseArgs`; `texts` are the options with a value, `flags` those without. */
  tokens(args: readonly string[], options: ArgumentNames): readonly ArgumentToken[];
  /** Calls `listener` on a signal, in place of what the system does; gives what takes it back. */
  onSignal(signal: ShellSignal, listener: () => void): () => void;
  /** Calls `listener` just before the process ends, however it does; it must be quick. Gives what takes it back. */
  onExit(listener: () => void): () => void;
  /** Stops the process as Ctrl-Z does, until it is continued. */
  suspend(): void;
  /** The code to end with once nothing is left to do. */
  setExitCode(code: number): void;
  /** Ends the process now. */
  exit(code: number): never;
  /** Files. */
  readonly files: ShellFiles;
}

/** The signals that a command may want to know of. */
export type ShellSignal = "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGTSTP" | "SIGCONT";

/** Names of options, and the one letter that some have. */
export interface ArgumentNames {
  /** Options with a value. */
  readonly texts: readonly ArgumentName[];
  /** Options without. */
  readonly flags: readonly ArgumentName[];
}

/** An option's names, without hyphens. */
export interface ArgumentName {
  readonly name: string;
  readonly short?: string | undefined;
}

/** One argument. */
export type ArgumentToken =
  | { readonly kind: "option"; readonly name: string; readonly rawName: string; readonly value?: string }
  | { readonly kind: "positional"; readonly value: string };

/** One of the two outputs. */
export interface ShellOutput {
  /** Whether a person reads it. */
  readonly isTerminal: boolean;
  /** Whether it takes colours: it is a terminal, and NO_COLOR is not set. */
  readonly colors: boolean;
  /** Its size in characters; undefined where it is no terminal. */
  size(): TerminalSize | undefined;
  /** Calls `listener` when its size has changed; gives what takes it back. */
  onResize(listener: () => void): () => void;
  /** Writes, and never throws: what nobody reads any more is dropped. */
  write(text: string): void;
  /** As `write`, but done when it returns: for the last words of a process. */
  writeNow(text: string): void;
  /** Resolves once all that was written is on its way. */
  flush(): Promise<void>;
  /** Calls `listener` once nobody reads it any more (EPIPE). */
  onBroken(listener: () => void): void;
}

/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What is typed. */
export interface ShellInput {
  /** Whether it comes from a person at a terminal. */
  readonly isTerminal: boolean;
  /** Whether keys come one by one and unseen, Ctrl-C among them, or by line. */
  setRaw(raw: boolean): void;
  /** Calls `listener` with what is typed; gives what takes it back. The process stays alive for it. */
  onData(listener: (text: string) => void): () => void;
}

/** Files and folders. */
export interface ShellFiles {
  /** The absolute path of a file: relative ones start from `cwd()`. */
  resolve(path: string): string;
  /** The `file:` URL of an absolute path. */
  toUrl(path: string): string;
  /** The folder that a file is in. */
  folderOf(path: string): string;
  /** Whether there is such a file. */
  isFile(path: string): Promise<boolean>;
  /** The text of a file (UTF-8). Throws when it cannot be read or is larger than `maxBytes`. */
  readText(path: string, maxBytes: number): Promise<string>;
  /**
   * When the files below a folder were last changed, and their sizes, by path; hidden folders and `node_modules` are left out.
   * Stops at `maxFiles`.
   */
  stamps(folder: string, maxFiles: number): Promise<ReadonlyMap<string, string>>;
}
