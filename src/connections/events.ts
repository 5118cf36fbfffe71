/** What happens in a connection manager, for programs. */
export type ConnectionEvent =
  /** A connection was opened. */
  | {
    readonly type: "connected";
    readonly endpoint: string;
    readonly address: string;
    readonly tookMs: number;
  }
  /** An address could not be connected to. */
  | {
    readonly type: "failed";
    readonly endpoint: string;
    readonly address: string;
    readonly phase: string;
    readonly code: string;
    readonly reason: string;
  }
  /** An address is out of rotation for a while; `Infinity` by hand. */
  | {
    readonly type: "marked-down";
    readonly endpoint: string;
    readonly address: string;
    readonly reason: string;
    readonly forMs: number;
  }
  /** An address is back. */
  | { readonly type: "recovered"; readonly endpoint: string; readonly address: string }
  /** A tier is exhausted, and the next one is tried. */
  | { readonly type: "fallback"; readonly endpoint: string; readonly tier: number }
  /** Every connection that may be open is in use, and a caller gave up waiting. */
  | { readonly type: "out-of-connections"; readonly endpoint: string; readonly why: string }
  /** A lease is held for longer than `pool.heldMs`. */
  | {
    readonly type: "held";
    readonly endpoint: string;
    readonly address: string;
    readonly heldMs: number;
    /** Where it was taken, for those that are sampled. */
    readonly taker?: string;
  }
  /** A lease was lost to the garbage collector. */
  | { readonly type: "leaked"; readonly endpoint: string; readonly address: string; readonly taker?: string };
