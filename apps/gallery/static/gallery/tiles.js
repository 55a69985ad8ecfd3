// Photos on their way have places in the album: each becomes a photo where it is, whichever is ready first.

const PATIENCE = 5_000; // ms for which the place of an upload that has gone is kept for its photo

const byRef = ({ children }) => new Map(Array.from(children, (tile) => [tile.dataset.ref, tile]));
const isTile = (node) => node instanceof HTMLElement && "ref" in node.dataset;

/** The tiles, what stands in for those that have just gone, and the photos are in one grid, in which `order` counts. */
export class Tiles {
  constructor(photos) {
    this.photos = photos;
    this.rows = document.getElementById("photo-rows");
    this.ghosts = document.getElementById("photo-ghosts");
    this.places = new Map(); // ref → its place; the last chosen is the first
    this.first = 0;
    this.finished = new Set(); // refs
    this.listening = new AbortController();
    addEventListener("djust:upload:progress", ({ detail }) => this.progress(detail), this.listening);
    this.typed = null; // the caption that is being typed
    document.addEventListener("focusin", ({ target }) => (this.typed = target.matches(".caption-input") ? target : null), this.listening);
    this.observer = new MutationObserver((changes) => this.changed(changes));
    this.observer.observe(this.rows, { childList: true });
    this.drawn();
  }

  stop() {
    this.observer.disconnect();
    this.listening.abort();
  }

  progress({ ref, status }) {
    if (status === "complete") this.finished.add(ref);
    if (status === "error") byRef(this.rows).get(ref)?.classList.remove("is-there"); // only its thumbnail was
  }

  /** Called before anything of it can be seen. */
  changed(changes) {
    for (const { addedNodes, removedNodes } of changes) {
      for (const row of removedNodes) if (isTile(row) && !row.isConnected) this.removed(row);
      for (const row of addedNodes) if (isTile(row)) this.added(row);
    }
    this.drawn();
  }

  added(row) {
    const { ref } = row.dataset;
    if (!this.places.has(ref)) this.places.set(ref, --this.first);
    row.style.order = this.places.get(ref);
  }

  removed(row) {
    const { ref } = row.dataset;
    if (!this.finished.has(ref) || !("newest" in this.photos.dataset) || this.photoOf(ref)) return;
    if (row.classList.contains("is-there")) return; // its photo was deleted while its larger sizes were being made
    this.ghosts.append(row);
    if (row.contains(this.typed) && document.activeElement === document.body) this.typed.focus({ preventScroll: true });
    else row.inert = true;
    setTimeout(() => this.lay(row), PATIENCE);
  }

  lay(ghost) {
    ghost.remove();
    this.drawn();
  }

  photoOf(ref) {
    return this.photos.querySelector(`[data-ref="${CSS.escape(ref)}"]`);
  }

  /** The album has been drawn. */
  drawn() {
    const [tiles, ghosts] = [this.rows, this.ghosts].map(byRef);
    for (const photo of this.photos.querySelectorAll("[data-ref]")) {
      const { ref } = photo.dataset;
      if (!this.places.has(ref)) continue;
      photo.style.order = this.places.get(ref);
      ghosts.get(ref)?.remove();
      const tile = tiles.get(ref);
      if (!tile?.matches("[data-gathered]") && !tile?.contains(document.activeElement)) tile?.classList.add("is-there");
    }
    if (!this.rows.querySelector(".upload-row") && !this.ghosts.children.length) this.settle();
  }

  /** From now on the photos are in the order of the album. */
  settle() {
    const rows = [...this.rows.querySelectorAll(".upload-row")];
    this.places = new Map(rows.map((row) => [row.dataset.ref, Number(row.style.order)]));
    this.first = Math.min(0, ...this.places.values());
    this.finished.clear();
    for (const photo of this.photos.children) photo.style.order = "";
  }
}
