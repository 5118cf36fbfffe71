/** Nothing but postMessage: sends back what it gets, or what comes of it. */

import { parentPort } from "node:worker_threads";
import { burn, reduce } from "./work.ts";

type Message = number | { readonly burn: number } | { readonly text: string };

function answer(message: Message): number {
  if (typeof message === "number") return message;
  if ("text" in message) return reduce(message.text);
  burn(message.burn);
  return 0;
}

const scope = globalThis as unknown as { onmessage: unknown; postMessage(value: unknown): void };
if (parentPort === null) {
  scope.onmessage = ({ data }: { data: Message }) => scope.postMessage(answer(data));
} else parentPort.on("message", (message: Message) => parentPort!.postMessage(answer(message)));
