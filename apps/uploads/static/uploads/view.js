// The directives: previews and progress, drawn into elements whose content is ours. Rows and errors are loaded when
// they are needed.

import { document, dom } from "../liveview/dom.js";
import { load } from "../liveview/load.js";
import { sync } from "./elements.js";

export const BUTTONS = ":is([dj-upload-start], [dj-upload-cancel], [dj-upload-pause], [dj-upload-retry], [data-resume])";
const KINDS = /^(image\/(?!svg)|video\/)/; // an SVG can contain scripts

/** What is drawn here, for the morph to leave alone. */
export function keep(element) {
  return dom(element).matches("[dj-upload-preview], [dj-upload-resume], [dj-upload-progress]:not(progress)") ? "children" : "";
}

export class View {
  /** @param redraw called when more can be drawn */
  constructor(root, redraw) {
    this.root = root;
    this.redraw = redraw;
    this.urls = new Map(); // upload → object URL
    this.rows = null; // loaded when a page has a place for them
    this.errors = null; // loaded when there is one
    this.needed = {}; // modules under way
  }

  draw(uploads, slots) {
    for (const [name, slot] of slots) {
      let own = uploads.filter((upload) => upload.slot === name && upload.status !== "cancelled");
      const last = own.findLast(({ hasFailed }) => !hasFailed);
      if (slot.max_entries === 1) own = own.filter((upload) => upload === last || upload.hasFailed);
      this.inputs(name, slot);
      for (const element of this.all("dj-upload-preview", name)) this.previews(element, own);
      for (const element of this.all("dj-upload-progress", name)) this.progress(element, own);
      if (this.errors) this.errors.draw(this, name, own);
      else if (own.some(({ error }) => error)) this.need("errors", () => import("./errors.js"));
    }
    // Otherwise such a button would submit its form, and be what Enter presses in a field.
    for (const button of this.root.querySelectorAll(`button:not([type])${BUTTONS}`)) button.type = "button";
    this.revoke(uploads);
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

  previews(element, uploads) {
    const shown = uploads.filter((upload) => this.shows(upload));
    sync(element, shown, (upload) => this.preview(upload));
  }

  shows({ file, hasFailed }) {
    return KINDS.test(file.type) && !hasFailed;
  }

  preview(upload) {
    const media = document.createElement(upload.file.type.startsWith("video/") ? "video" : "img");
    media.src = this.url(upload);
    media.onerror = () => media.remove();
    if (media.tagName === "IMG") Object.assign(media, { alt: upload.file.name, loading: "lazy", decoding: "async" });
    return media;
  }

  progress(element, uploads) {
    if (element.tagName === "PROGRESS") {
      const good = uploads.filter(({ hasFailed }) => !hasFailed);
      const total = good.reduce((sum, upload) => sum + upload.file.size, 0);
      const written = good.reduce((sum, upload) => sum + upload.written, 0);
      element.value = total ? Math.floor((100 * written) / total) : 0;
      return;
    }
    if (this.rows) this.rows.draw(this, element, uploads);
    else this.need("rows", () => import("./rows.js"));
  }

  /** Loads a module, and draws again with it. */
  need(what, start) {
    this.needed[what] ??= load(start).then((module) => this.redraw((this[what] = module)));
  }

  url(upload) {
    if (!this.urls.has(upload)) this.urls.set(upload, URL.createObjectURL(upload.file));
    return this.urls.get(upload);
  }

  revoke(uploads) {
    for (const [upload, url] of this.urls) {
      if (uploads.includes(upload) && !upload.hasFailed) continue;
      URL.revokeObjectURL(url);
      this.urls.delete(upload);
    }
  }
}
