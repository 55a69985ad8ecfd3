// The directives: what is drawn into elements whose content is ours.

import { dom } from "../liveview/dom.js";
import { load } from "../liveview/load.js";

export const BUTTONS = ":is([dj-upload-start], [dj-upload-cancel], [dj-upload-dismiss], [dj-upload-pause], [dj-upload-retry], [data-resume])";

/** What is drawn here, for the morph to leave alone. */
export function keep(element) {
  return dom(element).matches("[dj-upload-preview], [dj-upload-resume], [dj-upload-status], [dj-upload-summary], [dj-upload-progress]:not(progress)") ? "children" : "";
}

export class View {
  constructor(root, redraw) {
    this.root = root;
    this.redraw = redraw;
    this.urls = new Map(); // upload → object URL
    this.rows = this.errors = null; // loaded when needed
    this.needed = {};
  }

  draw(uploads, slots) {
    const drawn = [];
    for (const name of new Set([...slots.keys(), ...uploads.map(({ slot }) => slot)])) {
      const slot = slots.get(name);
      let own = uploads.filter((upload) => upload.slot === name && upload.status !== "cancelled");
      const last = own.findLast(({ hasFailed, keeper }) => !hasFailed || keeper);
      if (slot?.max_entries === 1) own = own.filter((upload) => upload === last || upload.hasFailed);
      drawn.push(...own);
      if (slot) this.inputs(name, slot);
      for (const what of ["preview", "progress", "status", "summary"]) {
        for (const element of this.all("dj-upload-" + what, name)) {
          if (this.rows) this.rows.draw(this, element, own);
          else this.need("rows", () => import("./rows.js"));
        }
      }
      if (this.errors) this.errors.draw(this, name, own);
      else if (own.some(({ error }) => error)) this.need("errors", () => import("./errors.js"));
    }
    // Otherwise it would submit its form, and be what Enter presses.
    for (const button of this.root.querySelectorAll(`button:not([type])${BUTTONS}`)) button.type = "button";
    this.rows?.revoke(this, drawn);
  }

  all(directive, name) {
    return this.root.querySelectorAll(`[${directive}="${name}"]`);
  }

  inputs(name, slot) {
    for (const input of this.all("dj-upload", name)) {
      if (slot.accept && input.accept !== slot.accept) input.accept = slot.accept;
      if (input.multiple !== slot.max_entries > 1) input.multiple = slot.max_entries > 1;
    }
  }

  /** Loads a module, and draws again with it. */
  need(what, start) {
    return (this.needed[what] ??= load(start).then((module) => this.redraw((this[what] = module))));
  }
}
