/** What a stranger sees: a field for the token, and nothing of the runtime. */

import { address } from "./link.ts";
import { type Markup, markup } from "./markup.ts";
import { jsonSource, type Page } from "./page.ts";
import type { Problem } from "./problem.ts";

/** The page that asks for the token; `next` is the path to go on to. */
export function loginPage(next: string, isWrong: boolean): Page {
  const problem: Problem = {
    status: 401,
    title: "Token needed",
    detail: 'Send the token of the meta app in the header: "Authorization: Bearer <token>".',
  };
  return {
    status: 401,
    title: problem.title,
    tone: "neutral",
    source: jsonSource(problem, "application/problem+json"),
    bare: true,
    body: ({ base }) => [{ id: "login", markup: renderForm(address("/login", base), next, isWrong) }],
  };
}

function renderForm(action: string, next: string, isWrong: boolean): Markup {
  const wrong = isWrong ? markup`<p class="wrong" role="alert">That is not the token.</p>` : undefined;
  return markup`<form id="login" method="post" action="${action}">
<p class="summary">This is the meta app of a service, and it asks for a token.</p>
${wrong}<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required="">
<input name="next" type="hidden" value="${next}">
<button>Open</button>
</form>
`;
}
