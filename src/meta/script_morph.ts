/**
 * The part of the script that changes what is on the page into what the server has drawn: element by element, so that focus,
 * scroll position, selection and what was typed stay.
 */

/** Gives `morph`. What the script itself has put there, it leaves alone. */
export const MORPH_SCRIPT = `
// Makes "old" the same as "next", and keeps what can be kept. A row is known by the text of its head, a form by what it
// does: a form does not change, and its fields, which go by any name, hide its own properties.
const isForm = (node) => node instanceof HTMLFormElement;
const isOwn = (node) => node.dataset?.own !== undefined;
const keyOf = (node) => isForm(node) ? Element.prototype.getAttribute.call(node, "action")
  : node.id || (node.nodeName === "TR" && node.cells[0]?.scope === "row" ? node.cells[0].textContent : "");

function morph(old, next) {
  if (isForm(old)) return;
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
`;
