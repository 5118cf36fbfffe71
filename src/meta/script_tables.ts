/**
 * The part of the script that orders and filters tables. It compares cells as `sort.ts` does, and keeps what was chosen for
 * a table while that is brought up to date.
 */

/** Needs `byId` and `make`; gives `arrange` and `equip`, both for a section. */
export const TABLES_SCRIPT = `
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
  keyed.sort((a, b) => isEmpty(a) - isEmpty(b) || (sort?.descending ? -1 : 1) * compare(a.key, b.key) ||
    a.row.dataset.at - b.row.dataset.at);
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
  const text = filter ? shown + " of " + rows.length + " rows" : "";
  if (count && count.value !== text) count.value = text;
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
`;
