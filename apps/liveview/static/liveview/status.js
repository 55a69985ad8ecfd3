// What the visitor is told about the connection; also shows flash messages.

import { document } from "./dom.js";
import { gettext } from "./gettext.js";
import { load, loading } from "./load.js";
import { once } from "./once.js";

const PATIENCE = 700; // ms before a lost connection is mentioned

/** @type {LiveView.Status} */
const own = {
  texts: {
    reconnecting: gettext("Reconnecting…"),
    failed: gettext("There is no live connection. Reload the page to try again."),
    offline: gettext("You're offline."),
  },
  banner: Object.assign(document.createElement("div"), { className: "live-banner", role: "status" }),
  lacking: "",
  isOffline: false,

  start() {
    document.body.append(this.banner);
    for (const type of ["online", "offline"]) addEventListener(type, () => this.reach(type === "online"));
  },

  show(state) {
    clearTimeout(this.timer);
    const apply = () => {
      const { classList } = document.documentElement;
      classList.remove("live-" + this.shown);
      classList.add("live-" + state);
      this.shown = state;
      this.reach(state === "connected" || navigator.onLine);
    };
    if (state === "reconnecting") this.timer = setTimeout(apply, PATIENCE);
    else apply();
  },

  reach(isThere) {
    this.isOffline = !isThere;
    this.draw();
  },

  lack(what) {
    this.lacking = what;
    this.draw();
  },

  draw() {
    const { texts, shown = "", lacking, isOffline } = this;
    document.documentElement.classList.toggle("live-lacking", isOffline || Boolean(lacking));
    this.banner.textContent = [texts[isOffline ? "offline" : shown], lacking].filter(Boolean).join(" ");
  },

  async flash(level, text) {
    const { flash } = await load(() => import("./flash.js"), text);
    flash(level, text);
  },
};

export const status = once("status", () => own);

loading.says = gettext("Part of this page couldn't be loaded. Trying again automatically…");
loading.tell = (text) => status.lack(text);
