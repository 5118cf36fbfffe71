/** Addresses within the meta app, wherever it is mounted. */

/** The address of a path of the meta app. */
export function address(path: string, base: string): string {
  return path === "/" && base !== "" ? base : base + path;
}

/** What a page is of: a report, or the details of one of the things that it lists. */
export interface Place {
  /** The id under which the report is registered. */
  readonly report: string;
  /** The key of the thing. @default the report itself */
  readonly key?: string;
}

/** The path of a report's page, or of a page of details. */
export function reportPath({ report, key }: Place): string {
  const path = `/${encodeURIComponent(report)}`;
  return key === undefined ? path : `${path}/${encodeURIComponent(key)}`;
}

/** What a path is of, as {@linkcode reportPath} writes it; undefined for one that it does not write. */
export function parseReportPath(path: string): Place | undefined {
  try {
    const [, report = "", key, ...rest] = path.split("/").map(decodeURIComponent);
    return rest.length > 0 ? undefined : { report, key };
  } catch {
    return undefined;
  }
}

/**
 * The address of a path that a report gave; undefined for one that leads elsewhere: to another scheme, to another host
 * or, by `..`, out of the mount. The platform's own parser decides, as the browser's will: it drops a tab, takes `\`
 * for `/`, and `//` in front means a host.
 */
export function checkedAddress(path: string, base: string): string | undefined {
  const text = `http://meta.invalid${base}${path}`;
  if (!path.startsWith("/") || !URL.canParse(text)) return undefined;
  const { pathname, search, hash } = new URL(text);
  if (pathname.startsWith("//") || !pathname.startsWith(`${base}/`)) return undefined;
  return address(pathname.slice(base.length), base) + search + hash;
}
