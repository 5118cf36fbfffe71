/**
 * The monitor's cost on Node:
 *
 *     deno bundle --quiet --output /tmp/monitor_bench.mjs tests/bench/monitor_node.ts && node /tmp/monitor_bench.mjs
 */

import { measureMonitor, printMonitor } from "./monitor.ts";

printMonitor(await measureMonitor(5, 5));
