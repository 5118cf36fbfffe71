/**
 * What a person has a component do, by `POST /:report/actions/:action`. It needs a token, the Origin of the meta app and
 * an action that the report offers with exactly its fields; each one carried out is recorded in the log.
 */

import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { BallastError, errorMessage, show } from "../errors.ts";
import type { Action } from "../report.ts";
import { type Access, foreignOriginPage, isSameOrigin } from "./access.ts";
import { readFields } from "./form.ts";
import { address, type Place, reportPath } from "./link.ts";
import { negotiate } from "./negotiate.ts";
import type { Page } from "./page.ts";
import { problemPage } from "./problem.ts";
import { mountOf, respond } from "./respond.ts";
import type { MetaRuntime } from "./runtime.ts";

/** How an action went. */
export interface Outcome {
  /** Unguessable, and unique among all. */
  readonly id: string;
  /** When it ended, in milliseconds since the epoch. */
  readonly at: number;
  /** How long it took. */
  readonly tookMs: number;
  /** The page that offers it. */
  readonly place: Place;
  /** The action. */
  readonly action: Action;
  /** What was given with it. */
  readonly args: Readonly<Record<string, string>>;
  /** Whether it was carried out. */
  readonly ok: boolean;
  /** What came of it, as text: the result as JSON, the error's message. */
  readonly text: string;
}

/** The actions of a runtime's reports, as the meta app offers them. */
export interface Actions {
  /** Whether they can be carried out, or why not: nobody is asked for a token, or the runtime takes no actions. */
  readonly mode: "offered" | "unguarded" | "unsupported";
  /** Carries one out: 303 to the page that offers it (`?key=` names one of details), or the result as JSON. */
  post(c: Context): Promise<Response>;
  /** The last ones of a page, the newest first. */
  outcomes(place: Place): readonly Outcome[];
}

/** Outcomes kept, of all reports together. */
const MAX_OUTCOMES = 50;

/** Makes the actions of a runtime's meta app. */
export function createActions(runtime: MetaRuntime, access: Access): Actions {
  const outcomes: Outcome[] = [];
  const mode = runtime.reports.act === undefined ? "unsupported" : access.isGuarded ? "offered" : "unguarded";

  /** What was asked for, once nothing speaks against it; else the response that says what does. */
  async function read(
    c: Context,
  ): Promise<Response | { place: Place; action: Action; args: Outcome["args"] }> {
    const refuse = (status: ContentfulStatusCode, title: string, detail: string) =>
      respond(c, runtime, problemPage(status, title, detail));
    if (mode !== "offered") return refuse(403, "Actions are off", whyOff(mode));
    if (!isSameOrigin(c)) return respond(c, runtime, foreignOriginPage(c));
    const { report = "", action: id = "" } = c.req.param();
    const key = c.req.query("key");
    const { reports } = runtime;
    const offering = key === undefined ? reports.get(report) : reports.details?.(report, key);
    const action = offering?.actions?.find((action) => action.id === id);
    if (action === undefined) {
      return refuse(404, "No such action", `${show(report)} offers no action ${show(id)}.`);
    }
    const args = await readFields(c);
    const wrong = whatIsWrong(action, args);
    return wrong === undefined
      ? { place: { report, key }, action, args: args! }
      : refuse(400, "Wrong fields", wrong);
  }

  async function post(c: Context): Promise<Response> {
    const asked = await read(c);
    if (asked instanceof Response) return asked;
    const { place, action, args } = asked;
    const { report } = place;
    const { clock } = runtime.platform;
    const startedAt = clock.monotonic();
    const record = (ok: boolean, text: string) => {
      const tookMs = clock.monotonic() - startedAt;
      const outcome = { id: crypto.randomUUID(), at: clock.now(), tookMs, place, action, args, ok, text };
      outcomes.unshift(outcome);
      outcomes.length = Math.min(outcomes.length, MAX_OUTCOMES);
      const fields = { report, action: action.id, args, tookMs };
      if (ok) runtime.log?.info("action carried out", fields);
      else runtime.log?.warn("action failed", { ...fields, error: text });
      return outcome;
    };
    const isPerson = negotiate(c, ["json", "html"]) === "html";
    c.header("Vary", "Accept");
    const back = ({ id }: Outcome) =>
      c.redirect(`${address(reportPath(place), mountOf(c))}?done=${id}#outcome`, 303);
    try {
      const result = await runtime.reports.act!(report, action.id, args) ?? null;
      const outcome = record(true, JSON.stringify(result));
      return isPerson ? back(outcome) : c.json({ report, action: action.id, result });
    } catch (error) {
      const outcome = record(false, errorMessage(error));
      return isPerson ? back(outcome) : respond(c, runtime, failedAction(error));
    }
  }

  return {
    mode,
    post,
    outcomes({ report, key }) {
      return outcomes.filter(({ place }) => place.report === report && place.key === key);
    },
  };
}

function whyOff(mode: "unguarded" | "unsupported"): string {
  return mode === "unguarded"
    ? "Actions need a token: createMetaApp(runtime, { token })."
    : "This runtime takes no actions: its reports have no act().";
}

/** What is wrong with the fields given, or undefined. */
function whatIsWrong({ fields }: Action, args: Outcome["args"] | undefined): string | undefined {
  if (args === undefined) return "The fields must come as a form, or as a JSON object of texts.";
  const wanted = fields.length === 0
    ? "It takes no fields"
    : `It takes ${fields.map(({ name }) => name).join(", ")}`;
  const missing = fields.find(({ name }) => !Object.hasOwn(args, name) || args[name] === "");
  if (missing !== undefined) return `${wanted}; ${missing.name} is missing.`;
  const unknown = Object.keys(args).find((given) => fields.every(({ name }) => name !== given));
  return unknown === undefined ? undefined : `${wanted}; got ${show(unknown)}, too.`;
}

function failedAction(error: unknown): Page {
  const code = error instanceof BallastError ? error.code : undefined;
  return problemPage(statusOf(error), "The action failed", errorMessage(error), code && { code });
}

function statusOf(error: unknown): ContentfulStatusCode {
  if (error instanceof TypeError || error instanceof RangeError) return 400;
  if (!(error instanceof BallastError)) return 500;
  if (error.code === "UNKNOWN_ACTION") return 404;
  return error.retryable ? 503 : 500;
}
