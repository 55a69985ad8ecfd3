// Numbers, with their units, and sentences that count, in the page's language.

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
const decimals = [format(0), format(1)];
const shares = format(0, "percent");
// Where one reads from the right, "3 MB" would be shown as "MB 3", were it not a part by itself: what is isolated.
const [open, close] = document.documentElement.dir === "rtl" ? ["\u2066", "\u2069"] : ["", ""];
const UNITS = ["B", "kB", "MB", "GB"];

/** With none or one digit behind the decimal point. @param {number} value @param {number} [digits] */
export const number = (value, digits = 0) => decimals[digits].format(value);

/** 42 is "42%". @param {number} value */
export const percent = (value) => shares.format(value / 100);

/** A number and its unit, which no line's end parts. @param {number} value @param {number} digits @param {string} unit */
export const measure = (value, digits, unit) => `${open}${number(value, digits)}\u00a0${unit}${close}`;

/** A size, as `uploads.sentences.Size` says it. @param {number} count */
export const bytes = (count) => scaled(count, (step, value) => (step > 1 && Math.round(10 * value) % 10 ? 1 : 0));

/** Bytes per second: as many digits as a moment before. @param {number} count */
export const rate = (count) => scaled(count, (step) => (step > 1 ? 1 : 0), "/s");

/** @param {number} count @param {(step: number, value: number) => number} digits @param {string} [per] */
function scaled(count, digits, per = "") {
  const step = Math.min(3, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const value = count / 1000 ** step;
  return measure(value, digits(step, value), UNITS[step] + per);
}

/** In whole seconds or minutes. @param {number} seconds */
export const duration = (seconds) => (seconds < 90 ? measure(Math.ceil(seconds), 0, "s") : measure(Math.ceil(seconds / 60), 0, "min"));

/** `%(count)s` is the number. @param {string} one @param {string} many @param {number} count */
export function ngettext(one, many, count) {
  return gettext(formOf(catalogue[one] ?? ["101", one, many], count), { count: number(count) });
}

/** The form of a plural that a number has: see `liveview.catalogue`. @param {string[]} forms @param {number} count */
export function formOf([which, ...forms], count) {
  return forms[which[count < 200 ? count : 100 + (count % 100)] ?? which.at(-1)];
}
