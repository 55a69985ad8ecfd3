// The album's own JavaScript: where photos on their way stand, the lightbox, sorting, and where the keyboard goes on.

import { live } from "../liveview/client.js";
import { document } from "../liveview/dom.js";
import { Lightbox } from "./lightbox.js";
import { Sorting } from "./sorting.js";
import { Tiles } from "./tiles.js";

const GAP = 16; // px above and below the dock

/** Tied to the list of photos by dj-hook="Album". */
const Album = {
  mounted() {
    this.tiles = new Tiles(this.el);
    this.lightbox = new Lightbox(this.el, (by) => this.event("turn", { by }).catch(() => {}));
    this.sorting = new Sorting(this.el, (...move) => this.move(...move));
    this.listening = new AbortController();
    document.addEventListener("focusin", (e) => (this.left = e.target), this.listening);
    document.addEventListener("click", (e) => this.clicked(e.target), this.listening);
    this.rows = new MutationObserver(() => this.follow());
    this.rows.observe(document.getElementById("photo-rows"), { childList: true });
    this.room = new ResizeObserver(([{ target }]) => leaveRoom(target.offsetHeight));
    this.room.observe(document.querySelector(".dock"));
  },

  updated() {
    this.tiles.drawn();
    this.lightbox.drawn();
    this.follow();
  },

  destroyed() {
    this.listening.abort();
    this.rows.disconnect();
    this.room.disconnect();
    leaveRoom(0);
    this.tiles.stop();
    this.lightbox.stop();
    this.sorting.stop();
  },

  clicked(target) {
    if (target.closest("[dj-click=step]")) this.tiles.settle();
    if (target.closest("#new-photos")) document.getElementById("album").scrollIntoView();
  },

  move(photo, target, side) {
    this.tiles.settle();
    this.event("move", { id: Number(photo.dataset.id), [side]: Number(target.dataset.id) }).catch(() => {});
  },

  // The keyboard goes on where what it was in has become something else, or has gone

  follow() {
    const { left } = this;
    if (left && !left.isConnected && document.activeElement === document.body) this.successor(left)?.focus();
  },

  successor(left) {
    const photo = left.closest(".photo[id]");
    if (photo) {
      this.gone = photo.id;
      return document.querySelector("#undo button");
    }
    if (left.closest("#new-photos")) return this.el.querySelector(".photo-open");
    if (left.closest("#undo")) return document.getElementById(this.gone)?.querySelector("[dj-click=delete]");
    if (left.matches(".upload-row .caption-input")) return this.typeOn(left);
  },

  /** A caption that was being typed is typed on in the photo that the row has become. */
  typeOn(left) {
    const next = this.el.querySelector(`[data-ref="${CSS.escape(left.dataset.ref)}"] .caption-input`);
    if (!next) return;
    next.value = left.value;
    next.setSelectionRange(left.selectionStart, left.selectionEnd);
    return next;
  },
};

/** Below the page for what lies above it, so that nothing, and nothing that gets the focus, has to stay behind that. */
function leaveRoom(height) {
  const room = height ? `${height + 2 * GAP}px` : "";
  document.documentElement.style.scrollPaddingBlockEnd = room;
  document.body.style.marginBlockEnd = room;
}

live?.hook("Album", Album);
