/**
 * One endpoint: its tiers, its addresses, and which of them comes next.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { DnsCache } from "../dns/mod.ts";
import type { SocketTarget } from "../platform/port.ts";
import { Backend, targetText } from "./backend.ts";
import { choose } from "./balancer.ts";
import { Health } from "./health.ts";
import type { EndpointSettings, TierPlace } from "./options.ts";
import type { Place } from "./place.ts";
import type { SrvWatch } from "./srv.ts";
import { familyOf, Tier } from "./tier.ts";
import { Waiters } from "./waiters.ts";

/** What an endpoint stands on. */
export interface EndpointContext {
  readonly clock: Clock;
  readonly dns: DnsCache;
  /** Told of addresses that are gone: their idle connections are to be closed. */
  readonly onGone: (backend: Backend) => void;
  /** Told of an endpoint that is gone from the table, once nothing is left of it. */
  readonly onEmpty: (endpoint: Endpoint) => void;
}

/** One endpoint. */
export class Endpoint {
  readonly name: string;
  readonly waiters: Waiters;
  /** Every address that is in a tier, or was and has connections left. */
  readonly backends = new Map<string, Backend>();
  /** Calls so far, and how they ended. */
  readonly counts = { connects: 0, reused: 0, failed: 0, outOfConnections: 0, fallbacks: 0, panics: 0 };
  /** `counts.connects` when the sweep last came by. */
  connectsSwept = 0;
  /** Calls under way that are not served from the pool. */
  calls = 0;
  /** Whether it is gone from the table: who still waits there looks for its name again. */
  retired = false;
  /** Addresses from SRV records, and how they are kept up to date. */
  srv: SrvWatch | undefined;
  #settings!: EndpointSettings;
  #tiers: readonly Tier[] = [];
  readonly #context: EndpointContext;
  readonly #random: () => number;

  constructor(name: string, settings: EndpointSettings, context: EndpointContext) {
    this.name = name;
    this.#context = context;
    this.#random = () => context.clock.random();
    this.waiters = new Waiters(context.clock);
    this.update(settings);
  }

  get settings(): EndpointSettings {
    return this.#settings;
  }

  /** Tiers in the order in which they are tried. */
  get tiers(): readonly Tier[] {
    return this.#tiers;
  }

  /** Puts other settings in force. Addresses that stay keep their connections and their health; the others are drained. */
  update(settings: EndpointSettings): void {
    const before = this.#settings as EndpointSettings | undefined;
    this.#settings = settings;
    for (const { health } of this.backends.values()) health.policy = settings.markdown;
    if (before !== undefined && !sameProtocol(before, settings)) this.#renew();
    if (settings.srv === undefined || before?.srv !== settings.srv) this.setTiers(settings.tiers);
  }

  /** Replaces the tiers. */
  setTiers(tiers: readonly (readonly TierPlace[])[]): void {
    const { dns } = this.#context;
    this.#tiers = tiers.map((places, index) =>
      new Tier({
        dns,
        places,
        backend: (place, target, weight) => this.#backend(place, target, weight, index),
        onGone: (backend) => this.#drop(backend),
      })
    );
    for (const backend of [...this.backends.values()]) this.#drop(backend);
  }

  /** Takes it out of service: nothing new begins there, leases finish. */
  retire(): void {
    this.retired = true;
    this.srv?.close();
    for (const backend of [...this.backends.values()]) this.#drain(backend);
  }

  /** An address that is gone, once nothing is left of it. */
  forget(backend: Backend): void {
    if (!backend.draining || backend.connections.size > 0) return;
    if (this.backends.get(backend.label) === backend) this.backends.delete(backend.label);
    if (this.retired && this.backends.size === 0) this.#context.onEmpty(this);
  }

  /** The address of a tier to use next, of those that `usable` lets pass. */
  choose(tier: Tier, usable: (backend: Backend) => boolean): Backend | undefined {
    const { backends } = tier;
    if (backends.length === 1) return usable(backends[0]!) ? backends[0] : undefined;
    return choose(backends, usable, this.#random);
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

  /** It may be listed elsewhere. */
  #drop(backend: Backend): void {
    if (this.#tiers.some((tier) => tier.backends.includes(backend))) return;
    this.#drain(backend);
  }

  #drain(backend: Backend): void {
    backend.draining = true;
    this.#context.onGone(backend);
    this.forget(backend);
  }

  /** What is open speaks as it should not any more. */
  #renew(): void {
    for (const backend of this.backends.values()) {
      for (const connection of backend.connections) connection.expired = true;
      this.#context.onGone(backend);
    }
  }

  #backend(place: Place, target: SocketTarget, weight: number, tier: number): Backend {
    const label = targetText(target);
    const known = this.backends.get(label);
    if (known === undefined) {
      const health = new Health(this.#context.clock, this.settings.markdown);
      const made = new Backend(this, place, target, weight, health);
      made.tier = tier;
      this.backends.set(label, made);
      return made;
    }
    // An address of two tiers is of the first one.
    const isOfEarlier = !known.draining && known.tier < tier &&
      this.#tiers[known.tier]?.backends.includes(known) === true;
    known.draining = false;
    if (isOfEarlier) return known;
    known.place = place;
    known.weight = weight;
    known.tier = tier;
    return known;
  }
}

function sameProtocol(a: EndpointSettings, b: EndpointSettings): boolean {
  return a.check === b.check && a.wrap === b.wrap && JSON.stringify(a.tls) === JSON.stringify(b.tls);
}
