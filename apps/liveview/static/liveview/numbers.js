// Numbers, and sentences that count, in the page's language.

import { document } from "./dom.js";
import { catalogue, gettext } from "./gettext.js";

const locale = (() => {
  try {
    return new Intl.Locale(document.documentElement.lang).baseName;
  } catch {
    return "en"; // a layout may have none, or not one of browsers
  }
})();

/** @param {number} digits @param {"decimal" | "percent"} style */
const format = (digits, style = "decimal") =>
  new Intl.NumberFormat(locale, { style, minimumFractionDigits: digits, maximumFractionDigits: digits });
// Where one reads from the right, "3 MB" would be shown as "MB 3" if there were nothing from the left before the number.
const mark = document.documentElement.dir === "rtl" ? "\u200e" : "";
const decimals = [format(0), format(1)];
const shares = format(0, "percent");

/** With none or one digit behind the decimal point. @param {number} value @param {number} [digits] */
export const number = (value, digits = 0) => mark + decimals[digits].format(value);

/** 42 is "42%". @param {number} value */
export const percent = (value) => shares.format(value / 100);

/** `%(count)s` is the number. @param {string} one @param {string} many @param {number} count */
export function ngettext(one, many, count) {
  const [which, ...forms] = catalogue[one] ?? ["101", one, many]; // see `liveview.catalogue`
  const at = which[count < 200 ? count : 100 + (count % 100)] ?? which.at(-1);
  return gettext(forms[at], { count: number(count) });
}
