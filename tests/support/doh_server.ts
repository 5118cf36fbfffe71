/**
 * A DNS over HTTPS server for tests: the embedded name server's answers over plain HTTP on the loopback interface, and
 * all the ways in which HTTP can go wrong on top.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { checkFault, type DnsFault, NO_FAULT } from "../../examples/service/dns_fault.ts";
import { respond } from "../../examples/service/dns_respond.ts";
import { commonOrigin, createZone, type ZoneData } from "../../examples/service/dns_zone.ts";

/** What goes wrong on the way, whatever the name server says. */
export type HttpFault =
  | { readonly mode: "ok" }
  /** Another status, with the right body. */
  | { readonly mode: "status"; readonly status: number }
  | { readonly mode: "redirect"; readonly location: string }
  /** The right body under another name. */
  | { readonly mode: "type"; readonly contentType: string }
  /** Other bytes. */
  | { readonly mode: "body"; readonly bytes: Uint8Array }
  /** The right reply, as a cache would give it. */
  | { readonly mode: "age"; readonly age: string }
  /** A reply with the TC bit, as if it came by UDP. */
  | { readonly mode: "truncate" }
  /** A body that goes on until nobody reads it. */
  | { readonly mode: "flood" }
  /** No response. */
  | { readonly mode: "hang" }
  /** The head of a response and half of its body. */
  | { readonly mode: "stall" }
  /** The connection is cut. */
  | { readonly mode: "reset" };

export interface DohRequest {
  readonly method: string;
  /** The path and the query. */
  readonly target: string;
  readonly headers: IncomingMessage["headers"];
  /** The message asked with. */
  readonly message: Uint8Array;
}

export interface DohServer extends AsyncDisposable {
  /** `http://127.0.0.1:port/dns-query` */
  readonly url: string;
  /** All requests so far. */
  readonly requests: readonly DohRequest[];
  /** Responses that the client has left before their end. */
  readonly abandoned: number;
  setZone(zone: ZoneData): void;
  /** With `flapping` only every other query for a record meets the fault, beginning with the first. */
  setFault(fault: DnsFault, options?: { readonly flapping?: boolean }): void;
  setHttpFault(fault: HttpFault): void;
  close(): Promise<void>;
}

const PATH = "/dns-query";
const MEDIA_TYPE = "application/dns-message";
/** RFC 8484, 6: no message is longer. */
const MAX_BYTES = 65_535;
const FLOOD_CHUNK = Buffer.alloc(16_384);

/** Starts a server; `origin` is the apex of its zone. */
export async function startDohServer(
  data: ZoneData,
  origin: string = commonOrigin(data),
): Promise<DohServer> {
  let serial = 1;
  let zone = createZone(data, origin, serial);
  let fault: DnsFault = NO_FAULT;
  /** How often each query has come to its URL, while they flap. */
  let turns: Map<string, number> | undefined;
  let http: HttpFault = { mode: "ok" };
  const requests: DohRequest[] = [];
  const timers = new Set<ReturnType<typeof setTimeout>>();
  let abandoned = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("close", () => response.writableFinished || abandoned++);
    const asked = await readRequest(request);
    if ("status" in asked) return refuse(response, asked.status);
    requests.push(asked);
    const answer = respond(asked.message, http.mode === "truncate" ? "udp" : "tcp", zone, {
      ...faultOf(asked),
      ...(http.mode === "truncate" ? { mode: "truncate" } : {}),
    } as DnsFault);
    if (answer.outcome === "dropped") return;
    if (answer.reply === undefined) return refuse(response, 400);
    if (answer.delayMs === undefined) return send(response, answer.reply);
    const timer = setTimeout(() => {
      timers.delete(timer);
      send(response, answer.reply!);
    }, answer.delayMs);
    timers.add(timer);
  }

  function faultOf({ target, message }: DohRequest): DnsFault {
    if (turns === undefined) return fault;
    const query = `${target} ${message}`;
    const turn = turns.get(query) ?? 0;
    turns.set(query, turn + 1);
    return turn % 2 === 0 ? fault : NO_FAULT;
  }

  function send(response: ServerResponse, reply: Uint8Array): void {
    switch (http.mode) {
      case "hang":
        return;
      case "reset":
        return void response.destroy();
      case "redirect":
        return void response.writeHead(307, { location: http.location }).end();
      case "stall":
        response.writeHead(200, { "content-type": MEDIA_TYPE, "content-length": reply.length });
        return void response.write(reply.subarray(0, reply.length >> 1));
      case "flood":
        response.writeHead(200, { "content-type": MEDIA_TYPE });
        return flood(response);
      default: {
        const headers: Record<string, string> = {
          "content-type": http.mode === "type" ? http.contentType : MEDIA_TYPE,
        };
        if (http.mode === "age") headers.age = http.age;
        response.writeHead(http.mode === "status" ? http.status : 200, headers);
        return void response.end(http.mode === "body" ? http.bytes : reply);
      }
    }
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  async function close(): Promise<void> {
    if (!server.listening) return;
    for (const timer of timers) clearTimeout(timer);
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`,
    requests,
    get abandoned() {
      return abandoned;
    },
    setZone(next) {
      zone = createZone(next, zone.origin, ++serial);
    },
    setFault(next, { flapping = false } = {}) {
      fault = checkFault(next);
      turns = flapping ? new Map() : undefined;
    },
    setHttpFault(next) {
      http = next;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The message of a request, or the status that it is refused with. */
async function readRequest(request: IncomingMessage): Promise<DohRequest | { readonly status: number }> {
  const { method = "", url: target = "", headers } = request;
  const { pathname, searchParams } = new URL(target, "http://localhost");
  if (pathname !== PATH) return { status: 404 };
  if (method === "GET") {
    const text = searchParams.get("dns") ?? "";
    // RFC 8484, 6: the alphabet of URLs, without padding.
    if (!/^[\w-]+$/.test(text)) return { status: 400 };
    return { method, target, headers, message: Uint8Array.from(Buffer.from(text, "base64url")) };
  }
  if (method !== "POST") return { status: 405 };
  if (headers["content-type"] !== MEDIA_TYPE) return { status: 415 };
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_BYTES) return { status: 413 };
    chunks.push(chunk);
  }
  return { method, target, headers, message: Uint8Array.from(Buffer.concat(chunks)) };
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(`HTTP ${status}\n`);
}

function flood(response: ServerResponse): void {
  while (!response.destroyed && response.write(FLOOD_CHUNK));
  if (!response.destroyed) response.once("drain", () => flood(response));
}
