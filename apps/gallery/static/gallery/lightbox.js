// The lightbox: one photo after the other, by keys, buttons, swipes and pinches. Each has an address of its own.

import { zoomable } from "./zoom.js";

/** @param album the list of photos @param turn called with -1 or 1 when the photos of another page are wanted */
export class Lightbox {
  constructor(album, turn) {
    this.album = album;
    this.turn = turn;
    this.box = document.getElementById("lightbox");
    this.image = this.box.querySelector("img");
    this.turning = 0; // towards the page that is waited for
    this.listening = new AbortController();
    const { signal } = this.listening;
    album.addEventListener("click", (e) => this.open(e), { signal });
    this.box.addEventListener("click", (e) => this.press(e), { signal });
    this.box.addEventListener("keydown", (e) => this.key(e), { signal });
    this.box.addEventListener("close", () => this.closed(), { signal });
    addEventListener("popstate", () => this.follow(), { signal });
    this.zoom = zoomable(this.box.querySelector(".lightbox-stage"), this.image, (by) => this.step(by), () => this.box.close());
    this.follow();
  }

  stop() {
    this.listening.abort();
  }

  /** Shows what the address names, if that is on this page. */
  follow() {
    const id = new URLSearchParams(location.search).get("photo");
    const link = id && this.linkOf(id);
    if (link) this.show(link);
    else if (this.box.open) this.box.close();
  }

  /** The album has been drawn. */
  drawn() {
    const { links } = this;
    if (this.turning && links.length && this.placeOf(links[0]) !== this.before) {
      const link = this.turning > 0 ? links[0] : links.at(-1);
      this.turning = 0;
      this.show(link);
    } else if (this.box.open) {
      const link = this.linkOf(this.shown);
      this.label(link);
      if (link && link.href !== this.loading) this.load(link, this.shown); // it was a thumbnail, as there was no more yet
    }
  }

  get links() {
    return [...this.album.querySelectorAll("a.photo-open")];
  }

  /** In the whole album, from 1. The page counts it for itself: said for each photo, all would change for one that comes. */
  placeOf(link) {
    return Number(this.album.dataset.first) + [...this.album.children].indexOf(link.closest("li"));
  }

  linkOf(id) {
    return this.album.querySelector(`#photo-${CSS.escape(id)} a.photo-open`);
  }

  open(e) {
    const link = e.target.closest("a.photo-open");
    if (!link || e.defaultPrevented || e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault();
    this.show(link, "pushState");
  }

  /** The thumbnail at once, as large as the photo will be, and the photo when it is here: nothing turns. */
  show(link, how = "replaceState") {
    const { id } = link.closest("li").dataset;
    this.shown = id;
    this.zoom.reset();
    const small = link.firstElementChild;
    this.image.alt = small.alt;
    this.image.style.setProperty("--width", small.getAttribute("width"));
    this.image.style.setProperty("--height", small.getAttribute("height"));
    this.image.src = small.currentSrc || small.src;
    this.label(link);
    if (!this.box.open) this.box.showModal();
    this.remember(id, how);
    this.load(link, id);
    const { links } = this;
    const at = links.indexOf(link);
    for (const neighbour of [links[at + 1], links[at - 1]]) if (neighbour) new Image().src = neighbour.href;
  }

  async load(link, id) {
    this.loading = link.href;
    const full = Object.assign(new Image(), { src: link.href });
    await full.decode().catch(() => {});
    if (this.shown === id && this.loading === full.src && full.naturalWidth) this.image.src = full.src;
  }

  label(link) {
    if (!link) return;
    const count = Number(this.album.dataset.count);
    this.at = this.placeOf(link);
    this.box.querySelector("figcaption").textContent = link.firstElementChild.alt;
    this.box.querySelector(".lightbox-count").textContent = `${this.at} / ${count}`;
    const download = this.box.querySelector("[download]");
    download.href = link.href;
    download.download = link.dataset.name;
    this.box.querySelector("[data-step='-1']").disabled = this.at === 1;
    this.box.querySelector("[data-step='1']").disabled = this.at === count;
  }

  /** In the address, with everything else that is there. */
  remember(id, how) {
    const address = new URL(location.href);
    if (address.searchParams.get("photo") === id) return;
    address.searchParams.set("photo", id);
    history[how]({ photo: id }, "", address);
  }

  closed() {
    this.shown = null;
    this.turning = 0;
    if (!new URLSearchParams(location.search).has("photo")) return;
    const address = new URL(location.href);
    address.searchParams.delete("photo");
    history.replaceState(null, "", address);
  }

  step(by) {
    const { links } = this;
    const next = links.filter((link) => (this.placeOf(link) - this.at) * by > 0); // the one that is shown may be gone
    const link = next.at(by > 0 ? 0 : -1);
    if (link) return this.show(link);
    const isLast = this.at === (by > 0 ? Number(this.album.dataset.count) : 1);
    if (!links.length || isLast || this.turning) return;
    this.turning = by;
    this.before = this.placeOf(links[0]);
    this.turn(by);
  }

  press(e) {
    const by = e.target.closest("[data-step]")?.dataset.step;
    if (by) this.step(Number(by));
    else if (e.target === this.box || e.target.closest("[data-close]")) this.box.close();
  }

  key(e) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (by && !e.defaultPrevented) {
      e.preventDefault();
      this.step(this.box.matches(":dir(rtl)") ? -by : by);
    } else if ("+=-0".includes(e.key)) this.zoom.by({ "-": 1 / 1.5, 0: 0 }[e.key] ?? 1.5);
  }
}
