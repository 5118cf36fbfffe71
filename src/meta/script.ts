/**
 * The one script: it counts moments, orders and filters tables, and keeps the page up to date. The page can be read
 * without it; what only works with it, it puts there itself.
 *
 * An event brings the sections that have changed, as the server draws them. They are not put in place of the old ones,
 * but the old ones are changed to be the same: so focus, scroll position, selection and what was typed stay.
 */

/** How long ago a moment is, as `formatRelativeTime` says it: a function of the moment and of now, in milliseconds. */
export const RELATIVE_TIME = `(at, now) => {
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

// Tables: the order and the filter that was chosen for each, by the id of its section.
const chosen = new Map();
const order = new Intl.Collator("en", { numeric: true });
const valueOf = (cell) => {
  const value = cell?.dataset.value ?? cell?.textContent ?? "";
  return value.trim() === "" || Number.isNaN(Number(value)) ? value : Number(value);
};
const compare = (a, b) =>
  typeof a === "number" && typeof b === "number" ? a - b
    : typeof a === typeof b ? order.compare(a, b) : typeof a === "number" ? -1 : 1;

function arrange(section) {
  const table = section.querySelector("table"), { sort, filter = "" } = chosen.get(section.id) ?? {};
  if (!table) return;
  const body = table.tBodies[0], rows = [...body.rows];
  rows.forEach((row, index) => row.dataset.at ??= index);
  const keyed = rows.map((row) => ({ row, key: sort ? valueOf(row.cells[sort.column]) : Number(row.dataset.at) }));
  const isEmpty = ({ key }) => key === "";
  keyed.sort((a, b) => isEmpty(a) - isEmpty(b) || (sort?.descending ? -1 : 1) * compare(a.key, b.key));
  if (keyed.some(({ row }, index) => row !== rows[index])) body.append(...keyed.map(({ row }) => row));
  let shown = 0;
  for (const row of rows) {
    row.hidden = !row.textContent.toLowerCase().includes(filter);
    shown += row.hidden ? 0 : 1;
  }
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (sort?.column !== column) head.removeAttribute("aria-sort");
    else head.setAttribute("aria-sort", sort.descending ? "descending" : "ascending");
  });
  const count = byId(section.id)?.querySelector(".tools output");
  if (count) count.value = filter ? shown + " of " + rows.length + " rows" : "";
}

// A larger table gets a field to filter it with; it stays while the table changes.
function equip(section) {
  const box = section.querySelector(".scroll"), rows = section.querySelectorAll("tbody tr").length;
  let tools = section.querySelector(".tools");
  if (!tools && rows > 10) {
    const input = make("input", { type: "search", placeholder: "Filter", autocomplete: "off" });
    input.setAttribute("aria-label", "Filter " + section.querySelector("caption").textContent);
    input.addEventListener("input", () => {
      chosen.set(section.id, { ...chosen.get(section.id), filter: input.value.trim().toLowerCase() });
      arrange(section);
    });
    tools = make("div", { className: "tools" }, input, make("output", {}));
    box.before(tools);
  }
  if (tools) tools.hidden = !box;
}

addEventListener("click", (event) => {
  const link = event.target.closest?.("thead a"), section = link?.closest("section");
  if (!section || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const head = link.parentElement, column = head.cellIndex, isNumber = head.classList.contains("number");
  const now = chosen.get(section.id)?.sort;
  const next = now?.column !== column ? { column, descending: isNumber }
    : now.descending === isNumber ? { column, descending: !isNumber } : undefined;
  chosen.set(section.id, { ...chosen.get(section.id), sort: next });
  arrange(section);
  const query = new URLSearchParams(location.search);
  query.delete("sort");
  if (next) query.set("sort", (next.descending ? "-" : "") + section.id.slice("table-".length) + "." + (column + 1));
  history.replaceState(null, "", "?" + query);
});

for (const head of document.querySelectorAll("[aria-sort]")) {
  const descending = head.getAttribute("aria-sort") === "descending";
  chosen.set(head.closest("section").id, { sort: { column: head.cellIndex, descending } });
}
document.querySelectorAll("section").forEach(equip);

// Makes "old" the same as "next", and keeps what can be kept. Rows are known by the text of their head.
const keyOf = (node) => node.id || (node.nodeName === "TR" && node.cells[0]?.scope === "row" ? node.cells[0].textContent : "");
const isOwn = (node) => node.dataset?.own !== undefined;

function morph(old, next) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (!next.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const left = new Set([...old.childNodes].filter((node) => !isOwn(node)));
  const byKey = new Map();
  for (const node of left) if (keyOf(node)) byKey.set(keyOf(node), [...byKey.get(keyOf(node)) ?? [], node]);
  const findTwin = (node) => {
    if (keyOf(node)) return byKey.get(keyOf(node))?.shift();
    for (const other of left) if (!keyOf(other) && other.nodeName === node.nodeName) return other;
  };
  let place = old.firstChild;
  const skip = () => { while (place && (isOwn(place) || !left.has(place))) place = place.nextSibling; };
  for (const node of [...next.childNodes]) {
    const twin = findTwin(node);
    skip();
    if (twin) morph(twin, node);
    if (!twin || twin !== place) old.insertBefore(twin ?? node, place);
    if (twin) left.delete(twin);
  }
  for (const node of left) node.remove();
}

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
  document.querySelector("link[rel=icon]").href = icon;
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
