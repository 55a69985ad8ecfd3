// dj-stream="name": a container whose children come one by one. They aren't part of the page's HTML: the server sends
// and forgets them.

import { document, dom } from "./dom.js";
import { live } from "./live.js";
import { morph, remember } from "./morph.js";
import { pending } from "./pending.js";

/** @type {LiveView.Extension} */
export const streams = {
  keep: (element) => (dom(element).hasAttribute("dj-stream") ? "children" : ""),

  received({ type, name, ops }) {
    const container = type === "stream" && live.root.querySelector(`[dj-stream="${CSS.escape(name)}"]`);
    if (!container) return;
    pending.without(() => {
      for (const [op, ...args] of ops) change.get(op)?.(container, ...args);
    });
    live.each("changed");
  },
};

const keep = (/** @type {Element} */ element) => live.keep(element);

/** @type {Map<string, (container: Element, ...args: any[]) => void>} */
const change = new Map(
  Object.entries({
    /** Children that stay are the same elements as before: each reconnect refills each stream. */
    reset(container, items) {
      morph(container, items.map((/** @type {string[]} */ item) => item[1]).join(""), { keep });
    },
    insert(container, id, at, html) {
      const old = child(container, id);
      if (old) return update(old, parsed(html));
      const fresh = parsed(html);
      const { children, insertBefore } = dom(container);
      insertBefore(fresh, children[at] ?? null);
      remember(fresh);
    },
    delete(container, id) {
      const old = child(container, id);
      if (old) dom(old).remove();
    },
  }),
);

/** @param {Element} container @param {string} id */
const child = (container, id) => dom(container).querySelector(":scope > #" + CSS.escape(id));

/** @param {string} html @returns {any} */
function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return document.importNode(template.content, true).firstElementChild;
}

/** @param {Element} old @param {Element} fresh */
function update(old, fresh) {
  const [now, next] = [dom(old), dom(fresh)];
  for (const { name } of [...now.attributes]) if (!next.hasAttribute(name)) now.removeAttribute(name);
  for (const { name, value } of next.attributes) now.setAttribute(name, value);
  morph(old, next.innerHTML, { keep });
}
