// Which form an element belongs to, and what a button makes of it.

import { dom } from "./dom.js";

/** As HTML has it: the form that the attribute `form` names, else the one around it. @type {LiveView.FormOf} */
export function formOf(element) {
  const { form, matches, closest } = dom(element);
  return form ?? (matches("[form]") ? null : closest("form"));
}

/** Whether a button sends the form to another address, or just closes its dialog. @param {Element | null} button */
export const goesElsewhere = (button) => button?.matches("[formmethod=dialog], [formaction]:not([name=_event])");
