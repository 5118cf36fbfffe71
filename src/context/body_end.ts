/**
 * When a response is over: its body has been sent, or nobody wants it any more.
 *
 * @module
 */

/** What happens with a body. */
export interface BodyWatcher {
  /** Runs what reads the body's source, so that its `pull` and `cancel` run in the flow of their request. */
  run<R>(fn: () => R): R;
  /** Called once: when it was read to its end, cancelled, or failed (then with the error). */
  ended(error?: unknown): void;
}

/** The same response, whose body tells when it has ended. */
export function watchBody(response: Response, { run, ended }: BodyWatcher): Response {
  if (response.body === null) {
    ended();
    return response;
  }
  const reader = response.body.getReader();
  async function pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value);
      controller.close();
      ended();
    } catch (error) {
      ended(error);
      throw error;
    }
  }
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => run(() => pull(controller)),
    cancel(reason) {
      ended();
      return run(() => reader.cancel(reason));
    },
    // Nothing is read ahead of the client.
  }, { highWaterMark: 0 });
  return new Response(body, response);
}

/**
 * Whether a response's body may be made while it is sent. By its headers: to look at the body itself makes a stream of a text that the
 * server would have sent as it is, at several times the cost.
 */
export function mayStream({ headers }: Response): boolean {
  const type = headers.get("content-type");
  // The usual answer first: it is asked of every response.
  if (type !== null && (type.startsWith("text/plain") || type.startsWith("application/json"))) {
    return headers.has("transfer-encoding");
  }
  return headers.has("transfer-encoding") || !headers.has("content-length");
}
