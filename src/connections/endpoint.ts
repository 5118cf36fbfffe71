/**
 * One endpoint: its tiers, its connections, and the order in which they are tried.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { DnsCache } from "../dns/mod.ts";
import type { SocketTarget } from "../platform/port.ts";
import { Backend, targetText } from "./backend.ts";
import { choose } from "./balancer.ts";
import { Health } from "./health.ts";
import type { EndpointSettings } from "./options.ts";
import type { Place } from "./place.ts";
import { familyOf, Tier } from "./tier.ts";
import { Waiters } from "./waiters.ts";

/** What an endpoint stands on. */
export interface EndpointContext {
  readonly clock: Clock;
  readonly dns: DnsCache;
  /** Told of addresses that are gone: their idle connections are to be closed. */
  readonly onGone: (backend: Backend) => void;
}

/** One endpoint. */
export class Endpoint {
  readonly name: string;
  readonly settings: EndpointSettings;
  readonly tiers: readonly Tier[];
  readonly waiters: Waiters;
  /** Every address that is in a tier, or was and has connections in use. */
  readonly backends = new Map<string, Backend>();
  /** Calls so far, and how they ended. */
  readonly counts = { connects: 0, reused: 0, failed: 0, outOfConnections: 0, fallbacks: 0, panics: 0 };
  readonly #clock: Clock;

  constructor(name: string, settings: EndpointSettings, { clock, dns, onGone }: EndpointContext) {
    this.name = name;
    this.settings = settings;
    this.#clock = clock;
    this.waiters = new Waiters(clock);
    this.tiers = settings.tiers.map((places) =>
      new Tier({
        dns,
        places,
        backend: (place, target, weight) => this.#backend(place, target, weight),
        onGone: (backend) => {
          // It may have moved to another tier.
          if (this.tiers.some((tier) => tier.backends.includes(backend))) return;
          backend.draining = true;
          this.forget(backend);
          onGone(backend);
        },
      })
    );
  }

  /** Whether every address is out of rotation: then all are tried, since none can be worse than nothing. */
  get isDown(): boolean {
    let any = false;
    for (const tier of this.tiers) {
      for (const { health } of tier.backends) {
        if (health.admits) return false;
        any = true;
      }
      if (tier.isUnresolved) return false;
    }
    return any;
  }

  /** An address that was gone from the table, once nothing is left of it. */
  forget(backend: Backend): void {
    if (!backend.draining || backend.connections.size > 0) return;
    if (this.backends.get(backend.label) === backend) this.backends.delete(backend.label);
  }

  /** The address of a tier to use next, of those that `usable` lets pass. */
  choose(tier: Tier, usable: (backend: Backend) => boolean): Backend | undefined {
    const { backends } = tier;
    // Nearly always: one address, or all of them usable.
    if (backends.length === 1) return usable(backends[0]!) ? backends[0] : undefined;
    return choose(backends.every(usable) ? backends : backends.filter(usable), () => this.#clock.random());
  }

  /** The same host by its other family, to race with (RFC 8305). */
  rivalOf(backend: Backend, tier: Tier, usable: (backend: Backend) => boolean): Backend | undefined {
    const family = familyOf(backend.target);
    if (family === undefined) return undefined;
    return this.choose(
      tier,
      (other) => other.place === backend.place && familyOf(other.target) !== family && usable(other),
    );
  }

  #backend(place: Place, target: SocketTarget, weight: number): Backend {
    const label = targetText(target);
    const known = this.backends.get(label);
    if (known !== undefined) {
      known.weight = weight;
      known.draining = false;
      return known;
    }
    const health = new Health(this.#clock, this.settings.markdown);
    const made = new Backend(this, place, target, weight, health);
    this.backends.set(label, made);
    return made;
  }
}
