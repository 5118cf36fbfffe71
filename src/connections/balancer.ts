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
 * The candidate to try, or undefined where there is none. `random` gives numbers in [0, 1). Weights of zero are for those that
 * are chosen only where nobody else is.
 */
export function choose<C extends Candidate>(candidates: readonly C[], random: () => number): C | undefined {
  if (candidates.length <= 1) return candidates[0];
  const first = drawWeighted(candidates, random);
  const second = drawWeighted(candidates.filter((candidate) => candidate !== first), random);
  return cost(second) < cost(first) ? second : first;
}

/** What one more connection there would cost: those there already, each at its pace. */
function cost({ weight, inUse, connectMs }: Candidate): number {
  // What nobody knows is tried, as if it were as good as any.
  return (inUse + 1) * Math.max(FLOOR_MS, connectMs ?? FLOOR_MS) / Math.max(weight, Number.MIN_VALUE);
}

function drawWeighted<C extends Candidate>(candidates: readonly C[], random: () => number): C {
  const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
  let left = random() * (total > 0 ? total : candidates.length);
  for (const candidate of candidates) {
    left -= total > 0 ? candidate.weight : 1;
    if (left < 0) return candidate;
  }
  return candidates.at(-1)!;
}
