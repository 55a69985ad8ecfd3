// The error of a Django form's field goes when the field is changed: it is of what was in there before. Forms and fields
// that tell each change (dj-change, dj-input) are left alone: there the server says what is wrong now. Loaded when
// something gets the focus.

import { document, dom } from "./dom.js";
import { formOf } from "./form.js";
import { once } from "./once.js";

const { liveview: live } = /** @type {any} */ (window); // which loads this, and can't be imported
const INVALID = "aria-invalid";
const TELLS = ":is([dj-change], [dj-input])";

/** The fields that were changed, by their form, until it was submitted and answered. @type {Map<any, Set<Element>>} */
const changed = once("mending", () => {
  for (const kind of ["input", "change", "live:filled"]) document.addEventListener(kind, (/** @type {any} */ { target }) => mend(target));
  document.addEventListener("submit", (/** @type {any} */ { target }) => submitted(target));
  live.use({ changed: draw });
  return new Map();
});

/** @param {any} field */
function mend(field) {
  const form = live.root.contains(field) && formOf(field);
  if (!form || dom(field).matches(TELLS) || !dom(form).matches(`[dj-submit]:not(${TELLS})`)) return;
  if (!dom(field).matches(`[${INVALID}=true]`)) return;
  changed.set(form, (changed.get(form) ?? new Set()).add(field));
  draw();
}

function draw() {
  for (const fields of changed.values()) for (const field of fields) show(field, false);
}

/** Until the answer is here the errors stay away; then what the server says holds. @param {any} form */
function submitted(form) {
  if (!changed.has(form)) return;
  const watcher = new MutationObserver(() => {
    if (dom(form).hasAttribute("aria-busy")) return;
    watcher.disconnect();
    for (const field of changed.get(form) ?? []) show(field, true);
    changed.delete(form);
  });
  watcher.observe(form, { attributeFilter: ["aria-busy"] });
}

/** @param {Element} field @param {boolean} isWrong */
function show(field, isWrong) {
  const described = dom(field).closest("[aria-describedby]")?.getAttribute("aria-describedby") ?? "";
  const ids = described.split(" ").filter(Boolean);
  const errors = ids.map((/** @type {string} */ id) => document.querySelector("#" + CSS.escape(id)));
  const list = errors.find((/** @type {Element | null} */ one) => one?.matches(".errorlist"));
  if (list) list.hidden = !isWrong;
  if (list && isWrong) dom(field).setAttribute(INVALID, "true");
  else dom(field).removeAttribute(INVALID);
}
