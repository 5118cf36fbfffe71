/** The server of the HTTP benchmark: a thread of its own, so that its work is not the client's. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const BODY = JSON.stringify({ answer: "x".repeat(200) });
const server = createServer((request, response) => {
  request.resume();
  response.setHeader("content-type", "application/json");
  response.end(BODY);
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
  (self as unknown as Worker).postMessage((server.address() as AddressInfo).port);
});
