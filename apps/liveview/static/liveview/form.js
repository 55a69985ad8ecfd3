// Which form an element belongs to.

import { dom } from "./dom.js";

/** As HTML has it: the form that the attribute `form` names, else the one around it. @type {LiveView.FormOf} */
export function formOf(element) {
  const { form, matches, closest } = dom(element);
  return form ?? (matches("[form]") ? null : closest("form"));
}
