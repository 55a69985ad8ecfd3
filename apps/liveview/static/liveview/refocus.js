// Where the focus goes when what had it is taken away: to what does the same beside it, else to the nearest before it.
// Loaded with the first time.

import { document, dom } from "./dom.js";

const CAN = ':is(a[href], button, input, select, textarea, summary, [tabindex], [contenteditable]):not(:disabled, [tabindex^="-"])';
const WHAT = /^dj-(?!form|loading)/; // attributes that say what a control does

/** @type {LiveView.Refocus} */
export function refocus(trail, root) {
  if (document.activeElement !== document.body) return; // a script, or the visitor, was faster
  const [lost] = trail[0];
  const level = trail.findIndex(([node]) => dom(node).isConnected);
  const parent = level < 0 ? root : trail[level][0];
  const [row, next, before] = trail[(level < 0 ? trail.length : level) - 1];
  const isThere = (/** @type {Element | null} */ node) => node && dom(node).isConnected;
  const rows = [next, before].filter((node) => isThere(node) && dom(node).localName === dom(row).localName);
  for (const one of rows) if (focus(candidates(one).find((control) => isAlike(control, lost)))) return;
  for (const one of rows) if (focus(candidates(one)[0])) return;
  // Nothing is left of the list: the last thing before it, in what is the least around both.
  const isEarlier = (/** @type {Element} */ one) =>
    isThere(before) ? dom(before).contains(one) || isBefore(one, before) : isBefore(one, parent);
  const page = dom(root).closest("[data-live-socket]") ?? root;
  for (let around = parent; around; around = around === page ? null : dom(around).parentElement) {
    const all = candidates(around);
    if (all.length && focus(all.findLast(isEarlier) ?? all[0])) return;
  }
  page.setAttribute("tabindex", "-1");
  page.addEventListener("blur", () => page.removeAttribute("tabindex"), { once: true });
  focus(page);
}

/** @param {Element} element @returns {any[]} */
const candidates = (element) =>
  [element, ...dom(element).querySelectorAll(CAN)].filter((one) => dom(one).matches(CAN) && dom(one).getClientRects().length);

/** @param {Element} one @param {Element} lost */
const isAlike = (one, lost) =>
  dom(one).localName === dom(lost).localName &&
  dom(lost).getAttributeNames().filter((name) => WHAT.test(name)).every((name) => dom(one).hasAttribute(name));

/** @param {Element} one @param {Element} other */
const isBefore = (one, other) => Boolean(dom(one).compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);

/** @param {any} element */
function focus(element) {
  if (element) dom(element).focus({ preventScroll: true });
  return element && document.activeElement === element;
}
