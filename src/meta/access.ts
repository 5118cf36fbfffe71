/**
 * Who is let in, where a token is asked for: a program by `Authorization: Bearer`, a person by a form, after which the
 * browser holds a cookie. It holds no token: a date, signed with the token as the key (HMAC-SHA256), so that it ends by
 * itself, holds after a restart, and is void once the token is another.
 */

import type { Context, MiddlewareHandler } from "hono";
import { deleteCookie, getSignedCookie, setSignedCookie } from "hono/cookie";
import { timingSafeEqual } from "hono/utils/buffer";
import { show } from "../errors.ts";
import { readFields } from "./form.ts";
import { address, checkedAddress } from "./link.ts";
import { loginPage } from "./login_page.ts";
import type { Page } from "./page.ts";
import { problemPage } from "./problem.ts";
import { mountOf, respond } from "./respond.ts";
import type { MetaRuntime } from "./runtime.ts";

/** How long a browser stays logged in. */
const SESSION_MS = 12 * 3_600_000;

/** What stands at the door. */
export interface Access {
  /** Whether a token is asked for. */
  readonly isGuarded: boolean;
  /** Wrong tokens so far. */
  readonly failures: number;
  /** When the last wrong token was given, in milliseconds since the epoch. */
  readonly lastFailureAt: number | undefined;
  /** Lets in who has the token; all others get 401 and a form, the same for each reason. */
  readonly guard: MiddlewareHandler;
  /** Takes the form: 303 back to where it was shown, with the cookie, or 401 and the form again. */
  logIn(c: Context): Promise<Response>;
  /** Takes the cookie away. */
  logOut(c: Context): Response;
}

/**
 * Makes the door of a runtime's meta app.
 *
 * @throws {TypeError} when `token` cannot stand in a header
 */
export function createAccess(runtime: MetaRuntime, token: string | undefined): Access {
  const secret = checkToken(token);
  const { clock } = runtime.platform;
  let failures = 0;
  let lastFailureAt: number | undefined;

  async function isToken(given: string, by: string): Promise<boolean> {
    if (await timingSafeEqual(given, secret!)) return true;
    failures++;
    lastFailureAt = clock.now();
    // Each doubling is recorded, not each attempt: who guesses cannot flood the log.
    if (Number.isInteger(Math.log2(failures))) {
      runtime.log?.warn("wrong token for the meta app", { by, failures });
    }
    return false;
  }

  async function isLetIn(c: Context): Promise<boolean> {
    const credentials = c.req.header("authorization");
    if (credentials !== undefined) {
      return await isToken(/^Bearer +(\S+)$/i.exec(credentials)?.[1] ?? "", "header");
    }
    const until = await getSignedCookie(c, secret!, cookieName(c));
    return typeof until === "string" && Number(until) > clock.now();
  }

  function refuse(c: Context, next: string, isWrong: boolean): Response {
    c.header("WWW-Authenticate", 'Bearer realm="ballast"');
    return respond(c, runtime, loginPage(next, isWrong));
  }

  return {
    isGuarded: secret !== undefined,
    get failures() {
      return failures;
    },
    get lastFailureAt() {
      return lastFailureAt;
    },
    guard: async (c, next) => {
      if (secret === undefined || await isLetIn(c)) return await next();
      const { pathname, search } = new URL(c.req.url);
      return refuse(c, c.req.method === "GET" ? pathname.slice(mountOf(c).length) + search : "/", false);
    },
    async logIn(c) {
      if (!isSameOrigin(c)) return respond(c, runtime, foreignOriginPage(c));
      const { token: given = "", next = "/" } = await readFields(c) ?? {};
      if (secret === undefined || !await isToken(given, "form")) return refuse(c, next, true);
      await setSignedCookie(c, cookieName(c), String(clock.now() + SESSION_MS), secret, {
        ...cookieOptions(c),
        maxAge: SESSION_MS / 1000,
      });
      runtime.log?.info("logged in to the meta app", {});
      return c.redirect(checkedAddress(next, mountOf(c)) ?? address("/", mountOf(c)), 303);
    },
    logOut(c) {
      if (!isSameOrigin(c)) return respond(c, runtime, foreignOriginPage(c));
      deleteCookie(c, cookieName(c), cookieOptions(c));
      return c.redirect(address("/", mountOf(c)), 303);
    },
  };
}

/** What may stand in a header, and in an input field. */
function checkToken(token: unknown): string | undefined {
  if (token === undefined || (typeof token === "string" && /^[\x21-\x7e]+$/.test(token))) return token;
  const given = typeof token === "string" ? (token === "" ? '""' : "one with other characters") : show(token);
  throw new TypeError(`token must be a text of visible ASCII characters without spaces, got ${given}`);
}

/** Whether a page of the meta app itself sent the request. A browser names the origin of every POST (RFC 6454, 7). */
export function isSameOrigin(c: Context): boolean {
  const origin = c.req.header("origin") ?? "";
  return URL.canParse(origin) && new URL(origin).host === hostOf(c);
}

/** The page of a request that changes something, and that another site may have sent. */
export function foreignOriginPage(c: Context): Page {
  const origin = c.req.header("origin");
  const got = origin === undefined ? "none" : show(origin);
  const detail = `What changes something needs the header "Origin" of the meta app itself, such as ` +
    `${new URL(c.req.url).protocol}//${hostOf(c)}; got ${got}.`;
  return problemPage(403, "Foreign origin", detail);
}

function hostOf(c: Context): string {
  return (c.req.header("host") ?? new URL(c.req.url).host).toLowerCase();
}

/** A browser keeps the cookies of all ports of a host together; so the name tells them apart. */
function cookieName(c: Context): string {
  return `ballast-meta-${/:(\d+)$/.exec(hostOf(c))?.[1] ?? "0"}`;
}

function cookieOptions(c: Context): { path: string; httpOnly: true; sameSite: "Strict"; secure: boolean } {
  const secure = new URL(c.req.url).protocol === "https:";
  return { path: mountOf(c) || "/", httpOnly: true, sameSite: "Strict", secure };
}
