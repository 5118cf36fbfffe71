/**
 * The body of a request, as a stream that its reader holds back, that is bounded, and that may run out of time.
 */

import { BallastError } from "../errors.ts";
import type { Incoming } from "./node_http_types.ts";
import type { BodyState } from "./server_port.ts";

/** A request's body. */
export class NodeRequestBody {
  state: BodyState = "unread";
  fault: "length" | "timeout" | undefined;
  readonly #incoming: Incoming;
  readonly #maxBytes: number;
  readonly #ask: () => void;
  #bytes = 0;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(incoming: Incoming, maxBytes: number, ask: () => void) {
    this.#incoming = incoming;
    this.#maxBytes = maxBytes;
    this.#ask = ask;
    incoming.on("end", () => this.#end("done", undefined));
    incoming.on("error", () => this.lose());
    // A client that left in the middle of it.
    incoming.on("close", () => this.lose());
  }

  /** The stream. Nothing is taken from the connection before it is read. */
  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (this.#controller === undefined) this.#begin(controller);
        this.#incoming.resume();
      },
      cancel: () => {
        this.#controller = undefined;
        this.leave();
      },
    }, { highWaterMark: 0 });
  }

  /** Nobody reads on: what still comes is thrown away. */
  leave(): void {
    if (this.state === "done" || this.state === "failed") return;
    this.#controller = undefined;
    this.#incoming.removeAllListeners("data");
    this.#incoming.resume();
  }

  /** Ends it with an error for its reader. */
  fail(fault: "length" | "timeout"): void {
    if (this.state === "done" || this.state === "failed") return;
    this.fault = fault;
    const error = fault === "length"
      ? new BallastError("MESSAGE_TOO_LONG", `the request's body has more than ${this.#maxBytes} bytes`)
      : new BallastError("TIMEOUT", "the request's body did not come in time");
    this.#end("failed", error);
  }

  #begin(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const incoming = this.#incoming;
    this.#controller = controller;
    if (this.state === "failed") {
      return controller.error(new BallastError("CONNECTION_ENDED", "the client left"));
    }
    this.state = "reading";
    this.#ask();
    incoming.on("data", (chunk: Uint8Array) => {
      this.#bytes += chunk.length;
      if (this.#bytes > this.#maxBytes) return this.fail("length");
      this.#controller?.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      if ((this.#controller?.desiredSize ?? 1) <= 0) incoming.pause();
    });
  }

  /** The client has left: whoever reads it is told. */
  lose(): void {
    if (this.state !== "reading" && this.state !== "unread") return;
    this.#end(
      "failed",
      new BallastError("CONNECTION_ENDED", "the client left in the middle of its request's body"),
    );
  }

  #end(state: "done" | "failed", error: BallastError | undefined): void {
    if (this.state === "done" || this.state === "failed") return;
    this.state = state;
    const controller = this.#controller;
    this.#controller = undefined;
    try {
      if (error === undefined) controller?.close();
      else controller?.error(error);
    } catch {
      // Cancelled in the meantime.
    }
    if (state === "failed" && !this.#incoming.destroyed) {
      this.#incoming.removeAllListeners("data");
      this.#incoming.resume();
    }
  }
}
