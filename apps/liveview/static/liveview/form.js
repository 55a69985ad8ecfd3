// Which form an element belongs to, and what a button makes of it.

import { dom } from "./dom.js";

/** As HTML has it: the form that the attribute `form` names, else the one around it. @type {LiveView.FormOf} */
export function formOf(element) {
  const { form, matches, closest } = dom(element);
  return form ?? (matches("[form]") ? null : closest("form"));
}

/** Submits a form again, which its `owner` leaves alone. @type {LiveView.Resubmit} */
export function resubmit(owner, form, button) {
  // Later: during a submit event the browser ignores it.
  setTimeout(() => {
    const isGone = button && formOf(button) !== form; // a render has taken it away
    if (isGone) dom(form).append(button);
    owner.native = form;
    dom(form).requestSubmit(button);
    owner.native = null;
    if (isGone) dom(button).remove();
  });
}

/** Whether a button sends the form to another address, or just closes its dialog. @param {Element | null} button */
export const goesElsewhere = (button) => button?.matches("[formmethod=dialog], [formaction]:not([name=_event])");
