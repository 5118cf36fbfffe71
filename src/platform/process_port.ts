/**
 * What a server group asks of a runtime: processes, the channel between them, listeners whose connections can be handed over,
 * signals. Types only, as `port.ts`; only runtimes with processes have it.
 *
 * @module
 */

import type { ServerSocket } from "./server_port.ts";

/** Processes, where a program may start itself again. */
export interface PlatformProcesses {
  /** This process. */
  readonly pid: number;
  /**
   * How this program is started again: the same runtime, flags, module and arguments.
   *
   * @throws {Error} where the program has no module to start again, such as one read from the standard input
   */
  command(): ProcessCommand;
  /** The text that the process which started this one left for it under `name`; taken out of the environment when it is read. */
  takeMarker(name: string): string | undefined;
  /** The channel to the process that started this one: undefined where it left none, "gone" where it has ended since. */
  parent(): ParentProcess | "gone" | undefined;
  /** Starts a process with a channel to it. What cannot be started ends at once: `onEnd` says why. */
  spawn(options: SpawnProcessOptions): ProcessHandle;
  /** Calls `listener` at a signal, in place of what the signal would do. Returns what undoes that. */
  onSignal(signal: ProcessSignal, listener: () => void): () => void;
  /** Ends this process now. */
  exit(code: number): void;
  /** A guard over processes that must not outlive this one: `afterMs` after its end, whatever it is, they are killed. */
  guard(afterMs: number): ProcessGuard;
  /** Resident memory of another process; undefined where that cannot be read. */
  rssBytes(pid: number): number | undefined;
  /** Tells the service manager something, where there is one and the means to tell it. Never fails. */
  notify?(state: string): void;
  /** How often the service manager wants to hear of us, in milliseconds; undefined where it does not. */
  readonly notifyEveryMs?: number | undefined;
}

/** The signals that a group minds. */
export type ProcessSignal = "SIGTERM" | "SIGINT" | "SIGHUP";

/** A program, and what it is started with. */
export interface ProcessCommand {
  /** The runtime, or the compiled program. */
  readonly file: string;
  /** Its flags, the module, and the program's own arguments. */
  readonly args: readonly string[];
}

/** How a process is started. */
export interface SpawnProcessOptions {
  /** What to start. */
  readonly command: ProcessCommand;
  /** Added to the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
  /** Takes what the process sends. */
  readonly onMessage: (message: unknown) => void;
  /** Takes what it writes to its standard error, which is written to that of this process as well. */
  readonly onStderr: (text: string) => void;
  /** Called once, when it has ended and its standard error has been read. */
  readonly onEnd: (end: ProcessEnd) => void;
}

/** How a process ended. */
export interface ProcessEnd {
  /** What it exited with; undefined where a signal ended it, or it never began. */
  readonly code: number | undefined;
  /** The signal that ended it. */
  readonly signal: string | undefined;
  /** Why it could not be started. */
  readonly error?: unknown;
}

/** A process that was started. */
export interface ProcessHandle {
  /** Its id; undefined where it could not be started. */
  readonly pid: number | undefined;
  /** Sends a message, of plain JSON. False when the process can no longer be told anything. */
  send(message: object): boolean;
  /** Hands a connection over, along with a message; it stays ours as well until it is destroyed here, which does not close it there. False as `send`. */
  hand(message: object, connection: ServerSocket): boolean;
  /** Sends it a signal; nothing happens when it has ended. */
  kill(signal: "SIGTERM" | "SIGKILL"): void;
  /** Whether it runs, as far as the system says: asked where its end may have gone unheard. */
  isRunning(): boolean;
}

/** Kills what outlives this process, where there is a shell that may be run; does nothing elsewhere. Never fails. */
export interface ProcessGuard {
  /** Guards a process. */
  add(pid: number): void;
  /** Guards it no more: it has ended. */
  remove(pid: number): void;
  /** Guards nothing any more. */
  end(): void;
}

/** The channel to the process that started this one. */
export interface ParentProcess {
  /** Sends a message, of plain JSON. False when nobody is there any more. */
  send(message: object): boolean;
  /** Takes what is sent, and the socket that was handed over with it. There is one listener. */
  onMessage(listener: (message: unknown, socket: unknown) => void): void;
  /** Calls `listener` when the channel has ended, by either side. */
  onDisconnect(listener: () => void): void;
  /** Whether the process that started this one is there: otherwise this one has another parent. */
  isAlive(): boolean;
  /** Ends the channel: this process need not stay alive for it. */
  disconnect(): void;
}
