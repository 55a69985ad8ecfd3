// Sentences in the page's language, by their English text.

import { document } from "./dom.js";

/** From `live_scripts`; empty in English. @type {Record<string, any>} */
export const catalogue = JSON.parse(document.querySelector("#live-catalogue")?.textContent ?? "{}");

/** @type {LiveView.Gettext} */
export const gettext = (text, values) => (catalogue[text] ?? text).replace(/%\((\w+)\)s/g, (_, name) => values[name]);
