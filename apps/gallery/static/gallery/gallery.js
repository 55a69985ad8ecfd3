// The album's own JavaScript: the lightbox, reordering by dragging, and where the keyboard goes on.

import { live } from "../liveview/client.js";
import { document, dom } from "../liveview/dom.js";

/** Tied to the list of photos by dj-hook="Album". */
const Album = {
  mounted() {
    this.el.addEventListener("click", (e) => this.open(e));
    this.el.addEventListener("pointerdown", (e) => this.grab(e));
    this.el.addEventListener("dragstart", (e) => this.drag(e));
    this.el.addEventListener("dragover", (e) => this.dragged && e.preventDefault());
    this.el.addEventListener("drop", (e) => this.drop(e));
    this.box = document.getElementById("lightbox");
    this.box.addEventListener("click", (e) => this.press(e));
    this.box.addEventListener("keydown", (e) => this.key(e));
    this.form = document.getElementById("photos-form");
    document.addEventListener("focusin", (e) => (this.left = e.target), this.listening);
    this.rows = new MutationObserver(() => this.follow());
    this.rows.observe(document.getElementById("photo-rows"), { childList: true });
  },

  updated() {
    this.follow();
  },

  destroyed() {
    this.rows.disconnect();
  },

  // The keyboard goes on where what it was in has become something else, or has gone

  follow() {
    const { left } = this;
    if (left && !left.isConnected && document.activeElement === document.body) this.successor(left)?.focus();
  },

  successor(left) {
    const photo = left.closest(".photo");
    if (photo) {
      this.gone = photo.id;
      return document.querySelector("#undo button");
    }
    if (left.closest("#undo")) return document.getElementById(this.gone)?.querySelector("[dj-click=delete]");
    if (left.matches(".upload-row .caption-input")) return this.typeOn(left);
    if (left.closest(".upload-row")) return this.form.querySelector(".upload-row [dj-upload-cancel]") ?? this.form.elements.photos;
  },

  /** A caption that was being typed is typed on in the photo that the row has become. */
  typeOn(left) {
    const next = this.el.querySelector(`[data-ref="${CSS.escape(left.dataset.ref)}"] .caption-input`);
    if (!next) return;
    next.value = left.value;
    next.setSelectionRange(left.selectionStart, left.selectionEnd);
    return next;
  },

  // The lightbox

  open(e) {
    const link = dom(e.target).closest("a.photo-open");
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault();
    this.show(link);
    this.box.showModal();
  },

  show(link) {
    if (!link) return;
    this.shown = link.closest("li").id;
    const image = this.box.querySelector("img");
    image.src = link.href;
    image.alt = link.dataset.caption;
    this.box.querySelector("figcaption").textContent = link.dataset.caption;
  },

  step(by) {
    const links = [...this.el.querySelectorAll("a.photo-open")];
    const at = links.findIndex((link) => link.closest("li").id === this.shown);
    this.show(links[(at + by + links.length) % links.length]);
  },

  press(e) {
    const by = dom(e.target).closest("[data-step]")?.dataset.step;
    if (by) this.step(Number(by));
    else if (e.target === this.box || dom(e.target).closest("[data-close]")) this.box.close();
  },

  key(e) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (!by) return;
    e.preventDefault();
    this.step(by);
  },

  // Dragging a photo to another place

  /** Only a photo of the visitor's own can be dragged, and not by its caption. */
  grab(e) {
    const photo = dom(e.target).closest("li[data-own]");
    if (photo) photo.draggable = !dom(e.target).closest("input, button");
  },

  drag(e) {
    this.dragged = dom(e.target).closest("li[data-own]");
    if (!this.dragged) return;
    e.dataTransfer.clearData();
    e.dataTransfer.setData("text/plain", "");
    e.dataTransfer.effectAllowed = "move";
  },

  drop(e) {
    const target = dom(e.target).closest("li.photo");
    const { dragged } = this;
    this.dragged = null;
    if (!dragged || !target || target === dragged) return;
    e.preventDefault();
    const box = target.getBoundingClientRect();
    const isBehind = e.clientX > box.left + box.width / 2;
    const place = { [isBehind ? "after" : "before"]: Number(target.dataset.id) };
    this.event("move", { id: Number(dragged.dataset.id), ...place }).catch(() => {});
  },
};

live?.hook("Album", Album);
