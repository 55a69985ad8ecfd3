// Which form an element belongs to.

const { closest, matches } = Element.prototype; // fields of these names shadow a form's own

/** As HTML has it: the form that the attribute `form` names, else the one around it. @type {LiveView.FormOf} */
export function formOf(element) {
  return element.form ?? (matches.call(element, "[form]") ? null : closest.call(element, "form"));
}
