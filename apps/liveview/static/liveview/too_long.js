// What a visitor is told whose form is too long for a message. Loaded with the first.

import { gettext } from "./gettext.js";
import { number } from "./numbers.js";

/** An error as the server would send it. @type {LiveView.Refusal} */
export function refusal(ref, text, size, most) {
  const { length } = text.replace(/\\(u....|.)/g, " ");
  const fit = Math.floor((length * most) / size / 100) * 100;
  const message = gettext("This is too long to send. The limit is about %(limit)s characters.", { limit: number(fit) });
  return { ref, code: "too_large", message };
}
