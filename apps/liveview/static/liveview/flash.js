// Flash messages. Loaded with the first one.

import { document } from "./dom.js";
import { gettext } from "./gettext.js";
import { once } from "./once.js";
import { top } from "./top.js";

const READING = 6_000; // ms a message stays; errors stay until dismissed

export const place = once("flashes", () => make("div", "flashes"));
top.add(place);

/** @type {LiveView.Flash} */
export function flash(level, text) {
  const isError = level === "error";
  if (isError && [...place.children].some(({ dataset }) => dataset.text === text)) return; // it still says so
  const message = make("div", "flash " + level);
  const close = make("button", "flash-close");
  message.dataset.text = text;
  message.role = isError ? "alert" : "status";
  close.ariaLabel = gettext("Dismiss");
  close.textContent = "×";
  close.onclick = () => message.remove();
  place.append(message);
  message.append(text, close);
  if (!isError) setTimeout(() => message.remove(), READING);
}

/** @param {string} tag @param {string} className */
function make(tag, className) {
  return Object.assign(document.createElement(tag), { className });
}
