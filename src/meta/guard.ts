/**
 * What stands before every page: headers that leave a browser nothing foreign to run, and the check of the Host header.
 *
 * The meta app listens on loopback, where any web page that the person on call has open can send requests. It cannot
 * read the answers, unless its own name is made to resolve to 127.0.0.1 (DNS rebinding): then it can, but the Host
 * header still bears that name. IP literals are safe for the same reason: no name was resolved to get there.
 */

import type { MiddlewareHandler } from "hono";
import { NONCE, secureHeaders } from "hono/secure-headers";
import { show } from "../errors.ts";

/**
 * Nothing from outside and no frame; the one stylesheet and the one script by nonce, the icon as data; connections and
 * forms to the meta app alone. Nothing is kept.
 */
export function securityHeaders(): MiddlewareHandler {
  const secure = secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      styleSrc: [NONCE],
      scriptSrc: [NONCE],
      connectSrc: ["'self'"],
      imgSrc: ["data:"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
    // Not "no-referrer": with that, browsers send "Origin: null" with the forms of the page itself.
    referrerPolicy: "same-origin",
    xFrameOptions: "DENY",
    // Loopback is plain HTTP; who puts TLS in front sets this there.
    strictTransportSecurity: false,
  });
  return (c, next) => {
    c.header("Cache-Control", "no-store");
    return secure(c, next);
  };
}

/** Refuses requests to a host other than loopback names, IP literals and `hosts` with 421 (RFC 9110, 15.5.20). */
export function hostGuard(hosts: readonly string[]): MiddlewareHandler {
  const allowed = new Set(hosts.map(checkHost));
  return async (c, next) => {
    // HTTP/2 has no Host header: there the URL is made of the authority that was asked for.
    const host = c.req.header("host") ?? new URL(c.req.url).host;
    if (isAllowedHost(host, allowed)) return await next();
    return c.text(
      `Misdirected request: the meta app does not answer to the host ${show(host)}.\n\n` +
        "It answers to localhost, *.localhost and IP addresses, so that no web page can read it by DNS rebinding.\n" +
        'To let it answer to another name as well: createMetaApp(runtime, { hosts: ["ops.example.com"] }).\n',
      421,
    );
  };
}

function checkHost(host: unknown): string {
  if (typeof host === "string" && hostname(host) === host.toLowerCase()) return host.toLowerCase();
  throw new TypeError(`hosts must hold host names, without scheme or port, got ${show(host)}`);
}

function isAllowedHost(host: string, allowed: ReadonlySet<string>): boolean {
  const name = hostname(host);
  if (name === undefined) return false;
  return name === "localhost" || name.endsWith(".localhost") || isIpLiteral(name) || allowed.has(name);
}

/** The name in a Host header, in lower case and without the port; undefined for anything else that may stand there. */
function hostname(host: string): string | undefined {
  return /^(\[[\da-f:.]+\]|[^\s/\\?#@:[\]]+)(?::\d*)?$/.exec(host.toLowerCase())?.[1]?.replace(/\.$/, "");
}

/** A browser takes nothing of this form for a name: what looks like an address is one, or no URL at all. */
function isIpLiteral(name: string): boolean {
  return name.startsWith("[") || /^\d{1,3}(\.\d{1,3}){3}$/.test(name);
}
