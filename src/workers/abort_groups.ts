/**
 * Calls by the signal that ends them: one listener for each signal, however many calls share it.
 *
 * @module
 */

/** Whom to tell, by signal. */
export class AbortGroups<T> {
  readonly #groups = new WeakMap<AbortSignal, { readonly members: Set<T>; readonly listener: () => void }>();
  readonly #onAbort: (member: T, reason: unknown) => void;

  constructor(onAbort: (member: T, reason: unknown) => void) {
    this.#onAbort = onAbort;
  }

  /** Has `member` told when `signal` aborts. */
  add(signal: AbortSignal, member: T): void {
    let group = this.#groups.get(signal);
    if (group === undefined) {
      const members = new Set<T>();
      const listener = () => {
        for (const each of [...members]) this.#onAbort(each, signal.reason);
      };
      group = { members, listener };
      this.#groups.set(signal, group);
    }
    if (group.members.size === 0) signal.addEventListener("abort", group.listener);
    group.members.add(member);
  }

  /** `member` need not be told any more. */
  remove(signal: AbortSignal, member: T): void {
    const group = this.#groups.get(signal);
    if (group === undefined || !group.members.delete(member)) return;
    if (group.members.size === 0) signal.removeEventListener("abort", group.listener);
  }
}
