// Whoever works with the keyboard goes on in the form when the button they pressed has gone.

import { live } from "../liveview/client.js";
import { document } from "../liveview/dom.js";

/** Tied to the form by dj-hook="Keyboard". */
const Keyboard = {
  mounted() {
    this.el.addEventListener("focusin", (e) => (this.left = e.target));
  },

  updated() {
    if (!this.left || this.left.isConnected || document.activeElement !== document.body) return;
    this.left = null;
    this.el.querySelector("[dj-click=reset_avatar], input[type=file]")?.focus();
  },
};

live?.hook("Keyboard", Keyboard);
