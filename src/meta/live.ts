/**
 * Pages that stay up to date: server-sent events (WHATWG HTML, 9.2), each with what has changed since the last one.
 *
 * A stream costs a timer and, every `liveMs`, one making of its page. Their number is bounded; who does not read is not
 * written to, and after a while let go.
 */

import type { MetaRuntime } from "./runtime.ts";

/** How live pages are kept up to date. */
export interface LiveOptions {
  /** Time between two events. */
  readonly liveMs: number;
  /** Streams at the same time. */
  readonly maxStreams: number;
  /** Is told of the error when a page can no longer be made; its stream ends. */
  readonly onError: (error: unknown) => void;
}

/** The streams of events of a meta app. */
export interface LiveStreams {
  /** Streams that are open. */
  readonly open: number;
  /** How many there may be. */
  readonly max: number;
  /**
   * Opens a stream: the first event at once, then one at each interval, and comments where that is long, so that nobody
   * in between takes the connection for dead. It ends when the reader leaves or the runtime closes.
   */
  start(nextEvent: () => LiveEvent): ReadableStream<Uint8Array>;
}

/** One event: its type and its data, which is plain JSON. */
export interface LiveEvent {
  readonly type: string;
  readonly data: unknown;
}

/** The longest silence. */
const HEARTBEAT_MS = 15_000;
const HEARTBEAT = ":\n\n";
/** Heartbeats that were not read until the reader is taken for gone. */
const MAX_UNREAD = 15;

/** Makes the streams of a meta app. No timer is left when none is open. */
export function createLiveStreams(runtime: MetaRuntime, options: LiveOptions): LiveStreams {
  const { liveMs, maxStreams, onError } = options;
  const { clock } = runtime.platform;
  // Where there are no timers in the background, those of a stream are its request's own.
  const isOfRequest = clock.catchUp !== undefined;
  const beatsPerEvent = Math.ceil(liveMs / HEARTBEAT_MS);
  const encoder = new TextEncoder();
  let open = 0;

  function start(nextEvent: () => LiveEvent): ReadableStream<Uint8Array> {
    let timer: { cancel(): void } | undefined;
    let controller: ReadableStreamDefaultController<Uint8Array>;
    let isOver = false;
    let beats = 0;
    let unread = 0;
    const closed = runtime.context?.signal;

    function release(): boolean {
      if (isOver) return false;
      isOver = true;
      open--;
      timer?.cancel();
      closed?.removeEventListener("abort", end);
      return true;
    }

    function end(): void {
      if (release()) controller.close();
    }

    function tick(): void {
      timer = clock.schedule(liveMs / beatsPerEvent, tick, { keepAlive: isOfRequest });
      if (isEnding(runtime) || unread >= MAX_UNREAD) return end();
      if ((controller.desiredSize ?? 0) <= 0) return void unread++;
      unread = 0;
      try {
        const text = beats++ % beatsPerEvent === 0 ? formatEvent(nextEvent()) : HEARTBEAT;
        controller.enqueue(encoder.encode(text));
      } catch (error) {
        onError(error);
        end();
      }
    }

    return new ReadableStream<Uint8Array>({
      start(given) {
        controller = given;
        open++;
        closed?.addEventListener("abort", end);
        if (closed?.aborted) end();
        else tick();
      },
      cancel: () => void release(),
    });
  }

  return {
    start,
    max: maxStreams,
    get open() {
      return open;
    },
  };
}

function isEnding({ state }: MetaRuntime): boolean {
  return state === "closing" || state === "closed";
}

/** An event in the text format of streams. JSON has no line breaks of its own, so that the data is one line. */
function formatEvent({ type, data }: LiveEvent): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
