/** Some requests of the demo to itself, so that its pages have something to show. */

/** Traffic that can be stopped. */
export interface Traffic {
  stop(): void;
}

/** Sends `perSecond` requests a second to `url`, whatever becomes of the ones before. */
export function startTraffic(url: string, perSecond: number): Traffic {
  if (perSecond === 0) return { stop() {} };
  const controller = new AbortController();
  const timer = setInterval(async () => {
    try {
      const response = await fetch(url, { signal: controller.signal });
      await response.body?.cancel();
    } catch {
      // The service counts its failures itself.
    }
  }, 1000 / perSecond);
  return {
    stop() {
      clearInterval(timer);
      controller.abort();
    },
  };
}
