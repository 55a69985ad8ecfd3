// The album's own JavaScript: the lightbox, and reordering by dragging.

import { live } from "../liveview/client.js";

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
  },

  // The lightbox

  open(e) {
    const link = e.target.closest("a.photo-open");
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
    const by = e.target.closest("[data-step]")?.dataset.step;
    if (by) this.step(Number(by));
    else if (e.target === this.box || e.target.closest("[data-close]")) this.box.close();
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
    const photo = e.target.closest("li[data-own]");
    if (photo) photo.draggable = !e.target.closest("input, button");
  },

  drag(e) {
    this.dragged = e.target.closest("li[data-own]");
    if (!this.dragged) return;
    e.dataTransfer.clearData();
    e.dataTransfer.setData("text/plain", "");
    e.dataTransfer.effectAllowed = "move";
  },

  drop(e) {
    const target = e.target.closest("li.photo");
    const { dragged } = this;
    this.dragged = null;
    if (!dragged || !target || target === dragged) return;
    e.preventDefault();
    const box = target.getBoundingClientRect();
    const isBehind = e.clientX > box.left + box.width / 2;
    const after = isBehind ? target : target.previousElementSibling;
    if (after === dragged) return;
    this.event("move", { id: Number(dragged.dataset.id), after: after ? Number(after.dataset.id) : 0 }).catch(() => {});
  },
};

live?.hook("Album", Album);
