// Marks elements while an answer is awaited.

import { document, dom } from "./dom.js";
import { formOf } from "./form.js";
import { once } from "./once.js";

const LOADING = "live-loading";

/** @type {LiveView.Pending} */
const own = {
  events: new Set(),
  undos: [],

  start(element, name, kind) {
    const event = { element, name, kind };
    /** @type {any} */
    const focused = document.activeElement;
    this.without(() => this.events.add(event));
    return () => {
      this.without(() => this.events.delete(event));
      // A button that was disabled has lost the focus.
      if (kind && document.activeElement === document.body) dom(focused).focus({ preventScroll: true });
    };
  },

  some(test) {
    return [...this.events].some(test);
  },

  without(change) {
    while (this.undos.length) this.undos.pop()?.();
    change();
    for (const event of this.events) this.mark(event);
  },

  mark({ element, name, kind }) {
    if (kind) this.set(element, "aria-busy", "true");
    if (kind === "submit") {
      for (const part of document.querySelectorAll("[dj-form-pending]")) {
        if (formOf(part) !== element) continue;
        const how = part.getAttribute("dj-form-pending");
        if (how === "disabled") this.set(part, how, "");
        else this.set(part, "hidden", how === "hide" ? "" : null);
      }
    }
    for (const part of document.querySelectorAll("[dj-loading]")) {
      if ((dom(part).getAttribute("dj-loading") || name) === name) this.set(part, "hidden", null);
    }
    const { classList } = dom(element);
    if (classList.contains(LOADING)) return;
    classList.add(LOADING);
    this.undos.push(() => classList.remove(LOADING));
  },

  set(element, attribute, value) {
    const node = dom(element);
    const before = node.getAttribute(attribute);
    const put = (/** @type {string | null} */ value) =>
      value === null ? node.removeAttribute(attribute) : node.setAttribute(attribute, value);
    put(value);
    this.undos.push(() => put(before));
  },
};

export const pending = once("pending", () => own);
