// What is seen above everything, a modal dialog included. All outside of the last dialog is inert, so it is put into that,
// as a popover where the browser has these. Loaded with the first dialog, or the first flash message.

import { document, dom } from "./dom.js";
import { once } from "./once.js";

/** @type {LiveView.Top} */
const own = {
  elements: new Set(),
  watchers: new Set(),
  modals: [],

  add(element) {
    element.liveOwned = true; // the server's dialogs are rendered around it
    this.elements.add(element);
    this.rise();
  },

  get modal() {
    const open = [...document.querySelectorAll("dialog:modal")];
    const known = this.modals.filter((dialog) => open.includes(dialog));
    this.modals = [...known, ...open.filter((dialog) => !known.includes(dialog))]; // the last is the one that opened last
    return this.modals.at(-1);
  },

  rise() {
    const { modal } = this;
    const home = modal ?? document.body;
    for (const element of this.elements) {
      if (element.parentNode === home) continue;
      dom(home).append(element);
      element.popover = modal ? "manual" : null;
      if (modal) element.showPopover?.();
    }
    if (modal === this.last) return;
    this.last = modal;
    for (const changed of this.watchers) changed();
  },
};

export const top = once("top", () => {
  const changes = { subtree: true, childList: true, attributeFilter: ["open"] };
  new MutationObserver(() => own.rise()).observe(window.document, changes);
  own.add(document.querySelector(".live-banner"));
  return own;
});
