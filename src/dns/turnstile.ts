/** Something to do: over when it calls `leave`, at once or later. No promise, for whoever waits for one may be gone by then. */
export type Job = (leave: () => void) => void;

/** Lets a bounded number of jobs run at a time; the others wait their turn, in order. */
export interface Turnstile {
  /** Runs `job`, now or when it is its turn, which lasts until it calls `leave`. It must not throw. */
  enter(job: Job): void;
  /** Jobs under way. */
  readonly running: number;
  /** Jobs waiting. */
  readonly waiting: number;
  /** Forgets those that wait. */
  clear(): void;
}

const COMPACT_AT = 256;

/** Makes a turnstile for `width` jobs at a time. */
export function createTurnstile(width: number): Turnstile {
  let running = 0;
  let queue: Job[] = [];
  let head = 0;
  let letting = false;

  function run(job: Job): void {
    let inside = true;
    running++;
    job(() => {
      if (!inside) return;
      inside = false;
      running--;
      next();
    });
  }

  function next(): void {
    // A job may be over at once: then it is the loop below that goes on.
    if (letting) return;
    letting = true;
    while (running < width && head < queue.length) run(queue[head++]!);
    letting = false;
    if (head === queue.length) clear();
    // What has run is let go of, at a cost that the many enterings before have paid for.
    else if (head >= COMPACT_AT && head * 2 >= queue.length) {
      queue = queue.slice(head);
      head = 0;
    }
  }

  function clear(): void {
    queue = [];
    head = 0;
  }

  return {
    enter(job) {
      queue.push(job);
      next();
    },
    get running() {
      return running;
    },
    get waiting() {
      return queue.length - head;
    },
    clear,
  };
}
