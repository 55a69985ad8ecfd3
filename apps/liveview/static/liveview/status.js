// What the visitor is told about the connection; also shows flash messages.

import { document, dom } from "./dom.js";
import { load, loading } from "./load.js";
import { once } from "./once.js";

const PATIENCE = 700; // ms before a lost connection is mentioned

/** @type {LiveView.Status} */
const own = {
  texts: {
    reconnecting: "Reconnecting…",
    failed: "There is no live connection. Reload the page to try again.",
  },
  banner: Object.assign(document.createElement("div"), { className: "live-banner", role: "status" }),
  lacking: "",

  start() {
    document.body.append(this.banner);
    // Above a dialog, too
    document.addEventListener("focusin", ({ target }) => dom(target).closest(":modal") && load(() => import("./top.js")));
  },

  show(state) {
    clearTimeout(this.timer);
    const apply = () => {
      const { classList } = document.documentElement;
      classList.remove("live-" + this.shown);
      classList.add("live-" + state);
      this.shown = state;
      this.draw();
    };
    if (state === "reconnecting") this.timer = setTimeout(apply, PATIENCE);
    else apply();
  },

  lack(what) {
    this.lacking = what;
    this.draw();
  },

  draw() {
    document.documentElement.classList.toggle("live-lacking", Boolean(this.lacking));
    this.banner.textContent = [this.texts[this.shown ?? ""], this.lacking].filter(Boolean).join(" ");
  },

  async flash(level, text) {
    const { flash } = await load(() => import("./flash.js"), text);
    flash(level, text);
  },
};

export const status = once("status", () => own);

loading.tell = (text) => status.lack(text);
