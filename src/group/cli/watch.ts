/**
 * Tells when the files of a folder have changed. They are looked at on an interval: that works for every runtime, for mounted folders
 * and for editors that put another file in the place of the old one.
 *
 * @module
 */

import type { Clock, Timer } from "../../clock.ts";
import type { ShellFiles } from "../../platform/shell.ts";

/** How a folder is watched. */
export interface WatchOptions {
  /** The folder. */
  readonly folder: string;
  /** Between two looks, in milliseconds. @default 500 */
  readonly intervalMs?: number;
  /** Files looked at. @default 10000 */
  readonly maxFiles?: number;
  /** Called with paths that have changed, come or gone, once nothing changes any more from one look to the next. */
  readonly onChange: (paths: readonly string[]) => void;
  readonly files: Pick<ShellFiles, "stamps">;
  readonly clock: Clock;
}

/** Starts to watch; gives what ends it. A folder that cannot be read has no files. */
export function watchFolder(
  { folder, intervalMs = 500, maxFiles = 10_000, onChange, files, clock }: WatchOptions,
): () => void {
  let before: ReadonlyMap<string, string> | undefined;
  let pending = new Set<string>();
  let timer: Timer | undefined;
  let isOver = false;

  async function look(): Promise<void> {
    const now = await files.stamps(folder, maxFiles);
    if (isOver) return;
    const changed = before === undefined ? [] : changesBetween(before, now);
    before = now;
    for (const path of changed) pending.add(path);
    // A build writes many files: it is waited for.
    if (changed.length === 0 && pending.size > 0) {
      const paths = [...pending].sort();
      pending = new Set();
      onChange(paths);
    }
    timer = clock.schedule(intervalMs, () => void look());
  }

  void look();
  return () => {
    isOver = true;
    timer?.cancel();
  };
}

function changesBetween(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): string[] {
  const paths = new Set([...before.keys(), ...now.keys()]);
  return [...paths].filter((path) => before.get(path) !== now.get(path));
}
