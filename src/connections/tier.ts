/**
 * One tier of an endpoint: its places, and the addresses they resolve to right now.
 *
 * @module
 */

import type { DnsCache } from "../dns/mod.ts";
import { parseLiteral } from "../dns/name.ts";
import type { SocketTarget } from "../platform/port.ts";
import { type Backend, targetText } from "./backend.ts";
import type { TierPlace } from "./options.ts";
import { type Place, placeText } from "./place.ts";

/** What a tier is made of. */
export interface TierOptions {
  readonly dns: DnsCache;
  readonly places: readonly TierPlace[];
  /** Makes a backend, or gives the one that exists under this label. */
  readonly backend: (place: Place, target: SocketTarget, weight: number) => Backend;
  /** Told of backends that are no longer among the addresses. */
  readonly onGone: (backend: Backend) => void;
}

type Resolved = ReturnType<DnsCache["peek"]>;

/** The addresses of one tier. */
export class Tier {
  readonly places: readonly TierPlace[];
  readonly #options: TierOptions;
  /** The names to resolve, by the index of their place. */
  readonly #names: readonly (string | undefined)[];
  /** The list that each place resolved to when the backends were made: lists are frozen, so another list is news. */
  readonly #seen: Resolved[];
  #backends: readonly Backend[] = [];
  #made = false;
  /** Whether its addresses are resolved, and may change. */
  readonly #isNamed: boolean;

  constructor(options: TierOptions) {
    this.#options = options;
    this.places = options.places;
    this.#seen = options.places.map(() => undefined);
    this.#names = options.places.map(({ place }) =>
      place.transport === "tcp" && !isLiteral(place.host) ? place.host : undefined
    );
    this.#isNamed = this.#names.some((name) => name !== undefined);
  }

  /** The addresses as of now. A name that is not resolved has none. */
  get backends(): readonly Backend[] {
    if (this.#made && !this.#isNamed) return this.#backends;
    const { dns } = this.#options;
    let changed = !this.#made;
    for (let index = 0; index < this.#names.length; index++) {
      const name = this.#names[index];
      if (name === undefined) continue;
      const list = dns.peek(name);
      // What is lost altogether is not dropped: an address that was good is better than none.
      if (list === undefined || list === this.#seen[index]) continue;
      this.#seen[index] = list;
      changed = true;
    }
    if (changed) this.#make();
    return this.#backends;
  }

  /**
   * Resolves the names of which nothing is held; as soon as one of them has addresses the rest is left to go on by itself.
   * Gives what failed so far.
   */
  async resolve(signal: AbortSignal): Promise<readonly { readonly place: Place; readonly error: unknown }[]> {
    const { dns, places } = this.#options;
    const failed: { place: Place; error: unknown }[] = [];
    const pending = places.map(async ({ place }, index) => {
      const name = this.#names[index];
      if (name === undefined || this.#seen[index] !== undefined) return Promise.reject();
      try {
        await dns.resolve(name, { signal });
      } catch (error) {
        failed.push({ place, error });
        throw error;
      }
    });
    await Promise.any(pending).catch(() => {});
    return failed;
  }

  /** Whether a name of it was never resolved. */
  get isUnresolved(): boolean {
    return this.#names.some((name, index) => name !== undefined && this.#seen[index] === undefined);
  }

  #make(): void {
    this.#made = true;
    const made = new Map<string, Backend>();
    this.places.forEach(({ place, weight }, index) => {
      const targets = targetsOf(place, this.#seen[index]);
      for (const target of targets) {
        const label = targetText(target);
        if (made.has(label)) continue;
        const backend = this.#options.backend(place, target, weight / perFamily(targets, target));
        made.set(label, backend);
      }
    });
    const before = this.#backends;
    this.#backends = [...made.values()];
    for (const backend of before) if (!made.has(backend.label)) this.#options.onGone(backend);
  }
}

function isLiteral(host: string): boolean {
  return parseLiteral(host) !== undefined;
}

function targetsOf(place: Place, resolved: Resolved): SocketTarget[] {
  if (place.transport === "unix") return [{ transport: "unix", path: place.path }];
  const { host, port } = place;
  const addresses = isLiteral(host) ? [host] : (resolved ?? []).map(({ address }) => address);
  return addresses.map((address) => ({ transport: "tcp", address, port }));
}

/** A place's weight is shared by its addresses; both families of a host are the same machines. */
function perFamily(targets: readonly SocketTarget[], target: SocketTarget): number {
  return targets.filter((other) => familyOf(other) === familyOf(target)).length;
}

/** 4, 6, or undefined for a unix socket. */
export function familyOf(target: SocketTarget): 4 | 6 | undefined {
  if (target.transport === "unix") return undefined;
  return target.address.includes(":") ? 6 : 4;
}

/** A place as it is written, for those who say what failed. */
export { placeText };
