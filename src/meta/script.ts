/**
 * The one script: it counts moments, orders and filters tables, and keeps the page up to date. The page can be read
 * without it; what only works with it, it puts there itself.
 */

import { MORPH_SCRIPT } from "./script_morph.ts";
import { TABLES_SCRIPT } from "./script_tables.ts";

/** How long ago a moment is, as `formatRelativeTime` says it: a function of the moment and of now, in milliseconds. */
const RELATIVE_TIME = `(at, now) => {
  const seconds = Math.floor(Math.abs(now - at) / 1000);
  if (seconds === 0) return "now";
  let text = seconds + " s";
  if (seconds >= 60) {
    for (const [large, size, small, smallSize, limit] of [
      ["m", 60, "s", 1, 60], ["h", 3600, "m", 60, 24], ["d", 86400, "h", 3600, Infinity],
    ]) {
      const smalls = Math.round(seconds / smallSize), each = size / smallSize;
      const larges = Math.floor(smalls / each), rest = smalls % each;
      text = larges + " " + large + (rest ? " " + rest + " " + small : "");
      if (larges < limit) break;
    }
  }
  return now > at ? text + " ago" : "in " + text;
}`;

/** A module, inlined: it runs when the page is there. */
export const SCRIPT = `
const byId = (id) => document.getElementById(id);
const make = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.dataset.own = "";
  element.append(...children);
  return element;
};

// Moments. The server's clock counts: "ahead" is how far it is before the browser's.
const relativeTime = ${RELATIVE_TIME};
let ahead = Number(document.body.dataset.now) - Date.now();
function countTimes() {
  for (const time of document.querySelectorAll("time.ago")) {
    const text = relativeTime(Date.parse(time.dateTime), Date.now() + ahead);
    if (time.textContent !== text) time.textContent = text;
  }
}
setInterval(countTimes, 1000);
${TABLES_SCRIPT}${MORPH_SCRIPT}
const parse = (html) => new DOMParser().parseFromString(html, "text/html").body.firstElementChild;

function update(current, html) {
  if (html === undefined) return current;
  const next = document.importNode(parse(html), true);
  arrange(next);
  if (!current) return next;
  const focused = document.activeElement;
  morph(current, next);
  // A row that moves loses the focus; it gets it back.
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
  return current;
}

function show({ at, title, icon, frame, sections }) {
  ahead = at - Date.now();
  document.title = title;
  const link = document.querySelector("link[rel=icon]");
  if (link.href !== icon) link.href = icon;
  for (const { id, html } of frame) update(byId(id), html);
  const box = byId("sections"), ids = new Set(sections.map(({ id }) => id));
  for (const element of [...box.children]) if (!ids.has(element.id)) element.remove();
  let before = null;
  for (const { id, html } of sections) {
    const element = update(byId(id), html);
    if (!element) continue;
    if (element.parentNode !== box || element.previousElementSibling !== before) {
      before ? before.after(element) : box.prepend(element);
    }
    equip(element);
    before = element;
  }
  countTimes();
}

// The connection: open while the page is seen and not paused.
const address = document.body.dataset.events;
if (address) {
  const word = make("span", { role: "status" }), button = make("button", { type: "button" });
  const panel = make("p", { className: "live" }, word, button);
  document.querySelector("header").append(panel);
  let source, retry, isPaused = false;

  const say = (state) => {
    if (word.textContent !== state) word.textContent = state;
    panel.dataset.state = state;
    button.textContent = isPaused ? "Resume" : "Pause";
  };
  const disconnect = () => {
    clearTimeout(retry);
    source?.close();
  };
  const connect = () => {
    disconnect();
    if (isPaused || document.hidden) return say(isPaused ? "paused" : "waiting");
    if (panel.dataset.state !== "live") say("connecting");
    source = new EventSource(address);
    source.addEventListener("page", (event) => {
      show(JSON.parse(event.data));
      say("live");
    });
    source.onerror = () => {
      say("reconnecting");
      if (source.readyState !== EventSource.CLOSED) return;
      // The server said no. Without a session the page is loaded anew, which asks for the token.
      retry = setTimeout(() =>
        fetch(address, { method: "HEAD" }).then(({ status }) => status === 401 ? location.reload() : connect(), connect), 3000);
    };
  };
  button.addEventListener("click", () => {
    isPaused = !isPaused;
    connect();
  });
  document.addEventListener("visibilitychange", connect);
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", ({ persisted }) => persisted && connect());
  connect();
}
`;
