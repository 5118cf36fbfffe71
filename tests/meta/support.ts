import assert from "node:assert/strict";

import type { MetaRuntime, Report } from "@ballast/runtime/meta";
import { simulatedClock } from "@ballast/runtime/testing";

/** The moment that every page of these tests shows: 2026-01-01T00:00:00Z. */
export const NOW = Date.UTC(2026, 0, 1);

export const BROWSER =
  "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

/** A runtime that is nothing but data, with some of it replaced. */
export function fakeRuntime(
  reports: readonly Report[] = [],
  replaced: Partial<MetaRuntime> = {},
): MetaRuntime {
  return {
    name: "payments",
    state: "ready",
    startedAt: NOW - 192_000,
    platform: {
      name: "test",
      version: "1.2.3",
      clock: simulatedClock(),
      capabilities: [
        { name: "dns", supported: true, note: "simulated" },
        { name: "workers", supported: false, note: "they run inline" },
      ],
      processInfo: () => ({
        pid: 12345,
        hostname: "host-1",
        os: "Linux 6.1",
        arch: "x64",
        uptimeMs: 200_000,
        rssBytes: 13_000_000,
        heapUsedBytes: 5_000_000,
        heapTotalBytes: 8_000_000,
        loadAverage: [0.5, 1, 2],
        cpus: 4,
        cpuMs: 2_000,
      }),
    },
    reports: {
      ids: reports.map(({ id }) => id),
      get: (id) => reports.find((report) => report.id === id),
      findings: () =>
        reports.flatMap((report) =>
          (report.findings ?? []).map((finding) => ({ ...finding, report: report.id }))
        ),
    },
    stats: { openMetrics: () => "# TYPE lookups counter\nlookups_total 7\n# EOF\n" },
    ...replaced,
  };
}

/** Reports that fail whoever asks them for anything. */
export const UNTOUCHABLE: MetaRuntime["reports"] = {
  get ids(): readonly string[] {
    throw new Error("the ids were read");
  },
  get: () => assert.fail("a report was read"),
  findings: () => assert.fail("the findings were read"),
};

export interface Element {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** The text inside, that of its descendants included. */
  text: string;
}

const VOID = ["meta", "link", "input"];
const TAG = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z][\w:-]*="[^"<>]*")*)\s*(\/?)>/y;
const TEXT = /[^<>]+/y;

/**
 * The elements of a document, in order. Stricter than any browser: it fails unless every tag is closed where it must be,
 * every attribute quoted and every `<` and `>` of a text escaped; so nothing in a text can have become markup.
 */
export function parse(page: string): readonly Element[] {
  const style = /<style [^>]*>[^<]*<\/style>/;
  const script = /<script type="module" nonce="[^"]*">[\s\S]*?<\/script>/;
  const document = page.replace(/^<!doctype html>/, "").replace(style, "").replace(script, "");
  const elements: Element[] = [];
  const open: Element[] = [];
  for (let at = 0; at < document.length;) {
    TAG.lastIndex = TEXT.lastIndex = at;
    const tag = TAG.exec(document);
    const text = tag ? null : TEXT.exec(document);
    assert.ok(tag ?? text, `no markup: ${document.slice(at, at + 80)}`);
    if (text) { for (const element of open) element.text += decode(text[0]); }
    if (tag?.[1]) assert.equal(open.pop()?.tag, tag[2], `wrong end tag at: ${document.slice(at, at + 80)}`);
    else if (tag) {
      const element = { tag: tag[2]!, attributes: attributesOf(tag[3]!), text: "" };
      elements.push(element);
      if (!VOID.includes(element.tag) && tag[4] === "") open.push(element);
    }
    at += (tag ?? text)![0].length;
  }
  assert.deepEqual(open, []);
  return elements;
}

function attributesOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/([a-zA-Z][\w:-]*)="([^"]*)"/g)].map(([, name, value]) => [name, decode(value!)]),
  );
}

function decode(text: string): string {
  const characters: Record<string, string> = {
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&#39;": "'",
    "&amp;": "&",
  };
  return text.replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => characters[entity]!);
}
