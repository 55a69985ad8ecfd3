// The parameters of an event.

import { dom } from "./dom.js";

/** @type {LiveView.Params} */
export const params = {
  data(element) {
    const { dataset } = dom(element);
    const name = (/** @type {string} */ key) => key.replace(/[A-Z]/g, (letter) => "_" + letter.toLowerCase());
    return Object.fromEntries(Object.entries(dataset).map(([key, value]) => [name(key), value]));
  },

  field(field) {
    if (!dom(field).matches("input:not([type=file]), select, textarea")) return {};
    if (field.type === "checkbox") return { value: field.checked };
    // Half of a surrogate pair, as a cut emoji leaves it, isn't text.
    if (field.type !== "select-multiple") return { value: field.value.toWellFormed?.() ?? field.value };
    return { value: Array.from(field.selectedOptions, (option) => option.value) };
  },

  form(form, submitter) {
    const found = new Map();
    for (const [name, value] of new FormData(form, submitter)) {
      // Files are sent separately, and names with _ are the runtime's.
      if (typeof value !== "string" || name === "csrfmiddlewaretoken" || name.startsWith("_")) continue;
      found.set(name, found.has(name) ? [found.get(name), value].flat() : value);
    }
    return Object.fromEntries(found);
  },

  event: (form, submitter) => new FormData(form, submitter).getAll("_event").at(-1) ?? dom(form).getAttribute("dj-submit"),
};
