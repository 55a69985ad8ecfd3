// A LiveView in the browser: see client.d.ts. `live` is null where the page has no live root.

import { document } from "./dom.js";
import { events } from "./events.js";
import { gettext } from "./gettext.js";
import { hooks } from "./hooks.js";
import { parsed, live as page } from "./live.js";
import { once } from "./once.js";
import { streams } from "./streams.js";

export { gettext };

/** @returns {any} */
const find = () => document.querySelector("[data-live-socket]");

// Else floor.js notices.
const has = [[].at, [].findLast, Object.hasOwn, window.reportError, CSS.supports("color", "light-dark(red, red)")];
if (!has.every(Boolean)) throw new Error("This browser is too old.");

if (!find()) await parsed(); // loaded asynchronously, it may be here before its page is

export const live = once("page", () => {
  const root = find();
  if (!root) return null;
  for (const extension of [hooks, streams, events]) page.use(extension);
  events.listen(root);
  page.start(root);
  return page;
});
Object.assign(window, { liveview: live });
