/** Addresses within the meta app, wherever it is mounted. */

/** The address of a path of the meta app. */
export function address(path: string, base: string): string {
  return path === "/" && base !== "" ? base : base + path;
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
