/** The web platform: what every runtime has, and nothing more. */

import { systemClock } from "../clock.ts";
import type { Platform } from "./port.ts";

/** Makes the port of a runtime that is neither Deno nor Node. */
export function webPlatform(): Platform {
  return {
    name: "web",
    version: "",
    clock: systemClock,
    capabilities: [
      { name: "dns", supported: false, note: "no built-in DNS client: give a resolver" },
      { name: "context propagation", supported: false, note: "pass contexts explicitly" },
      { name: "process", supported: false, note: "no process to describe" },
      { name: "pause stacks", supported: false, note: "no inspector: pauses are recorded without a stack" },
    ],
    nextTurn() {
      return new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          port1.close();
          resolve();
        };
        port2.postMessage(undefined);
      });
    },
    createStorage: () => undefined,
    dns: {},
    processInfo: () => undefined,
  };
}
