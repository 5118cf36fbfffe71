/**
 * Which address of a tier: the better of two taken at random, each as likely as its weight (Mitzenmacher, "The Power of Two
 * Choices in Randomized Load Balancing", 2001).
 *
 * @module
 */

/** What is known of an address that may be chosen. */
export interface Candidate {
  /** How much of the traffic it is meant for, beside the others of its tier. */
  readonly weight: number;
  /** Connections to it in callers' hands, or on their way there. */
  readonly inUse: number;
  /** How long connecting takes, as a moving average; undefined while nothing is known. */
  readonly connectMs: number | undefined;
}

/** Times below this are equal: what a local peer takes says more of this process than of the peer. */
const FLOOR_MS = 1;

/**
 * The candidate to try, of those that `usable` lets pass; undefined where there is none. `random` gives numbers in [0, 1).
 * Weights of zero are for those that are chosen only where nobody else is.
 */
export function choose<C extends Candidate>(
  candidates: readonly C[],
  usable: (candidate: C) => boolean,
  random: () => number,
): C | undefined {
  if (candidates.length > 1) {
    // Nearly always the two that are drawn will do: then nothing is allocated.
    const first = draw(candidates, undefined, random);
    const second = draw(candidates, first, random);
    if (usable(first) && usable(second)) return cost(second) < cost(first) ? second : first;
  }
  const left = candidates.filter(usable);
  if (left.length <= 1) return left[0];
  const first = draw(left, undefined, random);
  const second = draw(left, first, random);
  return cost(second) < cost(first) ? second : first;
}

/** What one more connection there would cost: those there already, each at its pace. */
function cost({ weight, inUse, connectMs }: Candidate): number {
  // What nobody knows is tried, as if it were as good as any.
  const pace = connectMs === undefined || connectMs < FLOOR_MS ? FLOOR_MS : connectMs;
  return (inUse + 1) * pace / (weight === 0 ? Number.MIN_VALUE : weight);
}

/** One of them, each as likely as its weight; never `except`, of which there has to be another. */
function draw<C extends Candidate>(candidates: readonly C[], except: C | undefined, random: () => number): C {
  const { length } = candidates;
  const weight = candidates[0]!.weight;
  let total = 0;
  let isEven = true;
  for (let index = 0; index < length; index++) {
    const candidate = candidates[index]!;
    if (candidate.weight !== weight) isEven = false;
    if (candidate !== except) total += candidate.weight;
  }
  if (isEven || total === 0) return drawEvenly(candidates, except, random);
  let left = random() * total;
  let last: C | undefined;
  for (let index = 0; index < length; index++) {
    const candidate = candidates[index]!;
    if (candidate === except) continue;
    last = candidate;
    left -= candidate.weight;
    if (left < 0) break;
  }
  return last!;
}

function drawEvenly<C>(candidates: readonly C[], except: C | undefined, random: () => number): C {
  const { length } = candidates;
  if (except === undefined) return candidates[Math.floor(random() * length)]!;
  // The last one stands in for the one that is left out.
  const drawn = candidates[Math.floor(random() * (length - 1))]!;
  return drawn === except ? candidates[length - 1]! : drawn;
}
