// Photos are put elsewhere by dragging, with a mouse or, after a long press, with a finger. A line shows where.

const FAR = 6; // px that a mouse moves before it drags
const LONG = 350; // ms that a finger rests before it drags
const EDGE = 60; // px from the window's edge where the page scrolls
const PACE = 12; // px a frame
const GHOST = { position: "fixed", zIndex: 9, objectFit: "cover", opacity: 0.85, pointerEvents: "none", borderRadius: "0.6rem" };

/** @param album the list @param moved called with a photo's element, the one it is put beside, and "before" or "after" */
export class Sorting {
  constructor(album, moved) {
    this.album = album;
    this.moved = moved;
    this.listening = new AbortController();
    const { signal } = this.listening;
    album.addEventListener("pointerdown", (e) => this.press(e), { signal });
    album.addEventListener("click", (e) => this.isDone && e.preventDefault(), { signal, capture: true });
    album.addEventListener("contextmenu", (e) => this.photo && e.preventDefault(), { signal });
    album.addEventListener("touchmove", (e) => this.photo && e.cancelable && e.preventDefault(), { signal, passive: false });
    addEventListener("pointermove", (e) => this.move(e), { signal });
    addEventListener("pointerup", (e) => this.end(e, true), { signal });
    addEventListener("pointercancel", (e) => this.end(e, false), { signal });
    addEventListener("keydown", (e) => e.key === "Escape" && this.photo && this.end(this.held, false), { signal });
  }

  stop() {
    this.listening.abort();
  }

  /** Only a photo of the visitor's own, and not by its caption or buttons. */
  press(e) {
    this.isDone = false;
    const photo = e.target.closest("li[data-own]");
    if (!photo || !e.isPrimary || e.button || !e.target.closest(".photo-open")) return;
    this.held = { photo, x: e.clientX, y: e.clientY, pointerId: e.pointerId, isMouse: e.pointerType === "mouse" };
    if (!this.held.isMouse) this.timer = setTimeout(() => this.lift(), LONG);
  }

  move(e) {
    const { held } = this;
    if (held?.pointerId !== e.pointerId) return;
    const distance = Math.hypot(e.clientX - held.x, e.clientY - held.y);
    if (!this.photo) {
      if (distance < FAR) return;
      if (!held.isMouse) return this.forget(); // it scrolls
      this.lift();
    }
    this.at = { x: e.clientX, y: e.clientY };
    this.ghost.style.translate = `${this.at.x - held.x}px ${this.at.y - held.y}px`;
    this.aim();
  }

  lift() {
    const { photo } = this.held;
    this.photo = photo;
    this.at = this.held;
    const image = photo.querySelector("img");
    const { left, top, width, height } = image.getBoundingClientRect();
    this.ghost = Object.assign(new Image(), { src: image.currentSrc, alt: "" });
    Object.assign(this.ghost.style, GHOST, {
      left: `${left}px`,
      top: `${top}px`,
      width: `${width}px`,
      height: `${height}px`,
    });
    document.body.append(this.ghost);
    photo.classList.add("is-moving");
    this.scroll();
  }

  /** The photo under the pointer, and the half of it. */
  aim() {
    const under = document.elementFromPoint(this.at.x, this.at.y)?.closest("li.photo[data-id]");
    const target = under && this.album.contains(under) && under !== this.photo ? under : null;
    this.clear();
    if (!target) return;
    const { left, width } = target.getBoundingClientRect();
    const isLate = this.at.x > left + width / 2 !== target.matches(":dir(rtl)");
    this.target = target;
    target.dataset.drop = isLate ? "after" : "before";
  }

  clear() {
    if (this.target) delete this.target.dataset.drop;
    this.target = null;
  }

  scroll() {
    if (!this.photo) return;
    const by = this.at.y < EDGE ? -PACE : this.at.y > innerHeight - EDGE ? PACE : 0;
    if (by) {
      scrollBy({ top: by, behavior: "instant" });
      this.aim();
    }
    requestAnimationFrame(() => this.scroll());
  }

  end(e, isHere) {
    if (this.held?.pointerId !== e?.pointerId) return;
    const { photo, target } = this;
    const side = target?.dataset.drop;
    this.isDone = Boolean(photo);
    this.clear();
    this.ghost?.remove();
    photo?.classList.remove("is-moving");
    this.forget();
    if (isHere && photo && target) this.moved(photo, target, side);
  }

  forget() {
    clearTimeout(this.timer);
    this.held = this.photo = this.ghost = null;
  }
}
