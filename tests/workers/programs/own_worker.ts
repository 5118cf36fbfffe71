/** Starts a worker of its own, that calls a task. */

import { Worker } from "node:worker_threads";

const worker = new Worker(new URL(import.meta.url.replace("own_worker", "own_worker_inside")));
worker.on("message", (text: string) => {
  console.log(text);
  void worker.terminate();
});
