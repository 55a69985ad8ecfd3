// dj-stream="name": a container whose children come one by one, as the server sends and forgets them.

import { document, dom } from "./dom.js";
import { live } from "./live.js";
import { hold, morph, parsed, remember, rendered, update } from "./morph.js";
import { pending } from "./pending.js";

/** @type {LiveView.Extension} */
export const streams = {
  keep: (element) => (dom(element).hasAttribute("dj-stream") ? "children" : ""),

  received({ type, name, ops }) {
    const container = type === "stream" && live.root.querySelector(`[dj-stream="${CSS.escape(name)}"]`);
    if (!container) return;
    const focus = hold(container);
    pending.without(() => {
      for (const [op, ...args] of ops) change.get(op)?.(container, ...args);
    });
    focus.restore();
    live.rendered();
  },
};

const keep = (/** @type {Element} */ element) => live.keep(element);

/** @type {Map<string, (container: Element, ...args: any[]) => void>} */
const change = new Map(
  Object.entries({
    // Those that stay are the same as before: each reconnect refills each stream.
    reset(container, items) {
      morph(container, items.map((/** @type {string[]} */ item) => item[1]).join(""), { keep });
    },
    insert(container, id, at, html) {
      const old = child(container, id);
      if (old) return update(old, html, { keep });
      const fresh = document.importNode(parsed(html), true);
      let before = rendered(container)[at] ?? null;
      while (before && dom(before).parentNode !== container) before = dom(before).parentNode;
      remember(fresh);
      dom(container).insertBefore(fresh, before);
    },
    delete(container, id) {
      const old = child(container, id);
      if (old) dom(old).remove();
    },
  }),
);

/** @param {Element} container @param {string} id */
const child = (container, id) => dom(container).querySelector("#" + CSS.escape(id));
