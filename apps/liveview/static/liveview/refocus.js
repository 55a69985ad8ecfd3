// Where the focus goes when what had it is taken away, be it by a render, a script, a style or a dialog that closes: to
// where its item is now, to what does the same beside it, else to the nearest before it. Whoever was typing does nothing
// else by the next key: the focus goes to a whole item, not to one of its controls. Loaded when something gets the focus.

import { document, dom } from "./dom.js";
import { load } from "./load.js";
import { once } from "./once.js";
import { pending } from "./pending.js";

const CAN = ':is(a[href], button, input, select, textarea, summary, [tabindex], [contenteditable]):not(:disabled, [tabindex^="-"])';
const WHAT = /^dj-(?!form|loading)/; // attributes that say what a control does
const KEYS = /^(textarea|text|search|url|tel|email|password|number|date|datetime-local|month|week|time)$/; // take any
const REF = "data-ref"; // of what an item is, wherever it is drawn
const ABOVE = "dialog, .flashes"; // lies over the page, which goes on where it was
const KEPT = 8; // elements that had the focus before

/** @type {{ last: any, trail: LiveView.Trail, earlier: any[], frame: number }} */
const now = { last: null, trail: [], earlier: [], frame: 0 };

/** Whether it can be seen. What has no box of its own is where its children are. @param {any} node @returns {boolean} */
function isHere(node) {
  if (!(node instanceof Element && dom(node).isConnected)) return false;
  const { display, visibility } = getComputedStyle(node);
  if (display === "contents") return isHere(dom(node).parentElement);
  return visibility === "visible" && dom(node).getClientRects().length > 0;
}

/** @param {any[]} path what had the focus when this was asked for, and what was around it: it may be gone since */
export function begin(path) {
  once("refocus", () => {
    document.addEventListener("focusin", look); // it may be gone in the next frame
    document.addEventListener("focusout", soon);
    const changes = { subtree: true, childList: true, attributes: true };
    new MutationObserver(() => now.last && soon()).observe(window.document, changes);
    load(() => import("./mending.js"), ""); // nothing is changed that has no focus
    return true;
  });
  follow(path[0], path.slice(0, path.indexOf(document.body)));
  look();
}

function soon() {
  now.frame ||= requestAnimationFrame(look);
}

function look() {
  cancelAnimationFrame(now.frame);
  now.frame = 0;
  /** @type {any} */
  const active = document.activeElement;
  if (active !== document.body && isHere(active)) return follow(active);
  const { last } = now;
  if (!last || (dom(last).isConnected && (dom(last).matches(":disabled") || pending.some(({ kind }) => Boolean(kind))))) return;
  now.last = null;
  if (!isHere(last)) refocus(now.trail); // else the visitor has left it
}

/** @param {any} active @param {any[]} path from it up to the body */
function follow(active, path = around(active)) {
  if (active !== now.last) {
    now.earlier = [...now.earlier.filter((one) => one !== active).slice(-KEPT), active];
    if (dom(active).closest(":modal")) load(() => import("./top.js"));
  }
  now.last = active;
  now.trail = path.map((node) => [node, dom(node).nextElementSibling, dom(node).previousElementSibling]);
}

/** @param {any} active */
function around(active) {
  const path = [];
  for (let node = active; node && node !== document.body; node = dom(node).parentNode) path.push(node);
  return path;
}

/** @param {LiveView.Trail} trail */
function refocus(trail) {
  const [lost] = trail[0];
  const above = trail.findLast(([node]) => dom(node).matches?.(ABOVE))?.[0];
  if (above && focus(earlier(above))) return;
  const level = trail.findIndex(([node]) => isHere(node));
  const parent = level < 0 ? document.body : trail[level][0];
  const [row, next, before] = trail[(level < 0 ? trail.length : level) - 1];
  const beside = [next, before].filter((node) => isHere(node) && dom(node).localName === dom(row).localName);
  const rows = [...elsewhere(trail), ...beside];
  if (dom(lost).isContentEditable || KEYS.test(dom(lost).type)) return rest(rows[0] ?? parent);
  for (const one of rows) if (focus(candidates(one).find((control) => isAlike(control, lost)))) return;
  for (const one of rows) if (focus(candidates(one)[0])) return;
  // Nothing is left of the list: the last thing before it, in what is the least around both.
  const isEarlier = (/** @type {Element} */ one) =>
    before?.isConnected ? dom(before).contains(one) || isBefore(one, before) : isBefore(one, parent);
  const page = pageOf(parent);
  for (let around = parent; around; around = around === page ? null : dom(around).parentElement) {
    const all = candidates(around);
    if (all.length && focus(all.findLast(isEarlier) ?? all[0])) return;
    if (getComputedStyle(around).position === "fixed" && focus(earlier(around))) return;
  }
  rest(page);
}

/** What had the focus last, of what isn't in something that lies above the page. @param {any} above */
const earlier = (above) => now.earlier.findLast((one) => isHere(one) && !dom(above).contains(one));

/** Where the item that has gone, or was in what has gone, is now: as another element of the same `data-ref`.
 *  @param {LiveView.Trail} trail @returns {any[]} */
function elsewhere(trail) {
  const item = trail.find(([node]) => dom(node).localName && dom(node).hasAttribute(REF))?.[0];
  if (!item) return [];
  const same = document.querySelectorAll(`[${REF}="${CSS.escape(dom(item).getAttribute(REF))}"]`);
  return [...same].filter((one) => isHere(one) && !trail.some(([node]) => node === one));
}

/** Gives the focus to something that is no control, for as long as it has it. @param {any} element */
function rest(element) {
  if (element === document.body) element = pageOf(element);
  while (getComputedStyle(element).display === "contents") element = dom(element).parentElement;
  if (!dom(element).matches("[tabindex]")) {
    element.setAttribute("tabindex", "-1");
    element.addEventListener("blur", () => element.removeAttribute("tabindex"), { once: true });
  }
  focus(element);
}

/** @param {any} element */
const pageOf = (element) => dom(element).closest("[data-live-socket]") ?? document.body;

/** @param {Element} element @returns {any[]} */
const candidates = (element) =>
  [element, ...dom(element).querySelectorAll(CAN)].filter((one) => dom(one).matches(CAN) && !dom(one).closest("[inert]") && isHere(one));

/** @param {Element} one @param {Element} lost */
const isAlike = (one, lost) =>
  dom(one).localName === dom(lost).localName &&
  dom(lost).getAttributeNames().filter((name) => WHAT.test(name)).every((name) => dom(one).hasAttribute(name));

/** @param {Element} one @param {any} other */
const isBefore = (one, other) => Boolean(dom(one).compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);

/** @param {any} element */
function focus(element) {
  if (element) dom(element).focus({ preventScroll: true });
  return element && document.activeElement === element;
}
