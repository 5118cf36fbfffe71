/** The numbers: for a scraper as they are, for a browser, which would only download that, as a page. */

import { OPEN_METRICS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE } from "../stats/mod.ts";
import { markup } from "./markup.ts";
import type { Page } from "./page.ts";
import type { MetaRuntime } from "./runtime.ts";

/** The page of a runtime's statistics. */
export function metricsPage(runtime: MetaRuntime): Page {
  const { stats } = runtime;
  const text = stats.openMetrics();
  const prometheus = stats.prometheus && (() => stats.prometheus!());
  return {
    title: "Metrics",
    path: "/metrics",
    tone: "neutral",
    source: { format: "openmetrics", type: OPEN_METRICS_CONTENT_TYPE, write: () => text },
    // For scrapers that know the older format alone.
    alternatives: prometheus && [{ format: "text", type: PROMETHEUS_CONTENT_TYPE, write: prometheus }],
    body: () => [{
      id: "summary",
      markup:
        markup`<p id="summary" class="summary">What a scraper gets from here, in the OpenMetrics format.</p>`,
    }, {
      id: "openmetrics",
      markup:
        markup`<pre id="openmetrics" class="scroll" role="region" aria-label="OpenMetrics" tabindex="0">${text}</pre>`,
    }],
    live: { page: "/metrics" },
  };
}
