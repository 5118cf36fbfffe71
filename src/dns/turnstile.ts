/** Lets a bounded number of jobs run at a time; the others wait their turn, in order. */
export interface Turnstile {
  /** Runs `job`, now or when it is its turn. What it throws ends its turn and is otherwise ignored. */
  enter(job: () => Promise<unknown> | undefined): void;
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
  let queue: (() => Promise<unknown> | undefined)[] = [];
  let head = 0;

  async function run(job: () => Promise<unknown> | undefined): Promise<void> {
    running++;
    try {
      await job();
    } catch {
      // A job reports its own failures.
    }
    running--;
    next();
  }

  function next(): void {
    while (running < width && head < queue.length) void run(queue[head++]!);
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
