/**
 * The screen of a terminal, taken and given back: the alternate one, without a cursor, keys one by one.
 *
 * @module
 */

import type { Shell, TerminalSize } from "../../../platform/shell.ts";
import { readKeys } from "./keys.ts";
import { type Line, paint } from "./line.ts";

/** A screen that was taken. */
export interface Screen {
  /** Its size. */
  size(): TerminalSize;
  /** Shows a picture: what has changed since the last one is written, all at once. */
  draw(lines: readonly Line[]): void;
  /** Gives the terminal back, stops the process as Ctrl-Z does, and takes it again once that goes on. */
  suspend(): void;
  /** Gives the terminal back. Safe to call twice. */
  close(): void;
}

/** What a screen tells. */
export interface ScreenListener {
  /** Keys were typed. */
  onKey(key: string): void;
  /** Everything has to be drawn anew: the size is another, or the process was stopped. */
  onRedraw(): void;
}

const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J\x1b[H";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
/** Terminals that know it show what is between the two at once. */
const BEGIN = "\x1b[?2026h";
const END = "\x1b[?2026l";

/** What a terminal that does not tell its size is taken for. */
const USUAL: TerminalSize = { columns: 80, rows: 24 };

/** Takes the screen. However the process ends, the terminal is as it was. */
export function openScreen(shell: Shell, listener: ScreenListener): Screen {
  const { stdin, stdout } = shell;
  const { colors } = stdout;
  let isTaken = false;
  let shown: readonly string[] = [];
  const undo: (() => void)[] = [];

  function take(): void {
    if (isTaken) return;
    isTaken = true;
    shown = [];
    stdin.setRaw(true);
    stdout.write(ENTER);
  }

  function giveBack(): void {
    if (!isTaken) return;
    isTaken = false;
    stdin.setRaw(false);
    stdout.writeNow(LEAVE);
  }

  function suspend(): void {
    giveBack();
    shell.suspend();
  }

  take();
  undo.push(
    stdin.onData((text) => readKeys(text).forEach(listener.onKey)),
    stdout.onResize(() => {
      shown = [];
      listener.onRedraw();
    }),
    shell.onSignal("SIGTSTP", suspend),
    shell.onSignal("SIGCONT", () => {
      take();
      listener.onRedraw();
    }),
    // A crash, too, comes by here.
    shell.onExit(giveBack),
  );

  return {
    size: () => stdout.size() ?? USUAL,
    draw(lines) {
      if (!isTaken) return;
      const painted = lines.map((line) => paint(line, colors));
      const changed = painted.flatMap((text, row) =>
        text === shown[row] ? [] : [`\x1b[${row + 1};1H${text}\x1b[K`]
      );
      const rest = painted.length < shown.length || shown.length === 0
        ? [`\x1b[${painted.length + 1};1H\x1b[J`]
        : [];
      shown = painted;
      if (changed.length > 0) stdout.write(BEGIN + [...rest, ...changed].join("") + END);
    },
    suspend,
    close() {
      giveBack();
      for (const each of undo.splice(0)) each();
    },
  };
}
