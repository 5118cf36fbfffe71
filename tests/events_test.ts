import assert from "node:assert/strict";
import { test } from "node:test";

import { createEvents } from "@ballast/runtime";

test("a listener that throws is counted, and the others still hear", () => {
  const events = createEvents<number>();
  const heard: number[] = [];
  events.subscribe(() => {
    throw new Error("a user's mistake");
  });
  events.subscribe((event) => heard.push(event));
  events.emit(1);
  events.emit(2);
  assert.deepEqual(heard, [1, 2]);
  assert.equal(events.listenerErrors, 2);
});

test("a listener may unsubscribe while it is told", () => {
  const events = createEvents<number>();
  const heard: string[] = [];
  const unsubscribe = events.subscribe((event) => {
    heard.push(`a${event}`);
    unsubscribe();
  });
  events.subscribe((event) => heard.push(`b${event}`));
  events.emit(1);
  events.emit(2);
  assert.deepEqual(heard, ["a1", "b1", "b2"]);
});

test("an aborted signal unsubscribes", () => {
  const events = createEvents<number>();
  const controller = new AbortController();
  const heard: number[] = [];
  events.subscribe((event) => heard.push(event), { signal: controller.signal });
  events.emit(1);
  controller.abort();
  events.emit(2);
  events.subscribe((event) => heard.push(event), { signal: controller.signal });
  events.emit(3);
  assert.deepEqual(heard, [1]);
});

test("a stream gives every event in order, and ends with its component", async () => {
  const events = createEvents<number>();
  const seen: number[] = [];
  const reading = (async () => {
    for await (const event of events.stream()) seen.push(event);
  })();
  events.emit(1);
  await null;
  events.emit(2);
  events.emit(3);
  events.close();
  await reading;
  assert.deepEqual(seen, [1, 2, 3]);
  assert.deepEqual(await events.stream().next(), { done: true, value: undefined });
});

test("a slow reader loses the oldest events, never memory", async () => {
  const events = createEvents<number>();
  const stream = events.stream({ capacity: 3 });
  for (let event = 1; event <= 10; event++) events.emit(event);
  events.close();
  const seen: number[] = [];
  for await (const event of stream) seen.push(event);
  assert.deepEqual(seen, [8, 9, 10]);
});

test("leaving the loop, or the signal, ends a stream and a read under way", async () => {
  const events = createEvents<number>();
  const controller = new AbortController();
  const stream = events.stream({ signal: controller.signal });
  const read = stream.next();
  controller.abort();
  assert.deepEqual(await read, { done: true, value: undefined });
  const left = events.stream();
  events.emit(1);
  for await (const _ of left) break;
  events.emit(2);
  assert.deepEqual(await left.next(), { done: true, value: undefined });
});

test("events set off by a listener are heard after the one it was told of, by everybody", () => {
  const events = createEvents<number>();
  const heard: number[] = [];
  events.subscribe((event) => {
    if (event < 3) events.emit(event + 1);
  });
  events.subscribe((event) => heard.push(event));
  events.emit(1);
  assert.deepEqual(heard, [1, 2, 3]);
});

test("who has left, or whose component is closed, is not told any more", () => {
  const events = createEvents<number>();
  const heard: number[] = [];
  events.subscribe((event) => event === 1 ? leave() : events.close());
  const leave = events.subscribe((event) => heard.push(event));
  events.subscribe((event) => heard.push(event * 10));
  events.emit(1);
  events.emit(2);
  assert.deepEqual(heard, [10]);
});

test("a listener that rejects is counted, and no unhandled rejection", async () => {
  const events = createEvents<number>();
  events.subscribe(() => Promise.reject(new Error("a user's mistake")));
  events.emit(1);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(events.listenerErrors, 1);
});
