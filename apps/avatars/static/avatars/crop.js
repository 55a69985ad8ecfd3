// Choosing a square of the picture, in the browser: what is sent is the square.

import { live } from "../liveview/client.js";
import { document, dom } from "../liveview/dom.js";

const SIDE = 1024; // pixels of the result, at most
const QUALITY = 0.92;
const STEP = 0.05; // of the stage, by which an arrow key moves the picture
const ZOOM = 1.15; // by which + and − zoom
const TYPES = ["image/jpeg", "image/png", "image/webp"]; // that a canvas writes; others become the first

/** Tied to the dialog by dj-hook="Crop". `zoom` is 1 where the shorter side fills the stage; `x` and `y` are the middle
 *  of what is seen, in pixels of the picture. */
const Crop = {
  mounted() {
    this.stage = this.el.querySelector("canvas");
    this.slider = this.el.querySelector("input");
    document.addEventListener("click", (e) => dom(e.target).closest?.("[data-crop=open]") && this.open(), this.listening);
    this.el.addEventListener("click", (e) => this.press(dom(e.target).closest("[data-crop]")?.dataset.crop));
    this.el.addEventListener("close", () => this.picture?.close());
    this.slider.addEventListener("input", () => this.draw());
    this.fingers = new Map(); // pointers that are down, by id: where each was last
    this.stage.addEventListener("pointerdown", (e) => this.touch(e));
    this.stage.addEventListener("pointermove", (e) => this.drag(e));
    for (const type of ["pointerup", "pointercancel"]) this.stage.addEventListener(type, (e) => this.fingers.delete(e.pointerId));
    this.stage.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
    this.stage.addEventListener("keydown", (e) => this.key(e));
  },

  get uploads() {
    return live.extensions.find((extension) => extension.choose);
  },

  get chosen() {
    return this.uploads.uploads.findLast(({ slot, isOver }) => slot === "avatar" && !isOver);
  },

  async open() {
    const upload = this.chosen;
    const isOnItsWay = upload?.isWanted;
    const picture = upload && (await createImageBitmap(upload.file).catch(() => null));
    if (!picture) return; // the server will say what is wrong with it
    const isLate = this.el.open || upload !== this.chosen || upload.isWanted !== isOnItsWay; // pressed twice, or saved
    if (isLate) return picture.close();
    Object.assign(this, { upload, picture });
    this.x = this.picture.width / 2;
    this.y = this.picture.height / 2;
    this.slider.value = "1";
    this.fingers.clear();
    this.el.showModal();
    this.stage.focus();
    this.draw();
  },

  async press(what) {
    if (what === "cancel") this.el.close();
    if (what === "turn") this.turn();
    if (what === "use") {
      const file = await this.cut();
      if (!this.el.open) return; // left, or pressed twice
      this.el.close();
      this.uploads.choose("avatar", [{ file, path: null }]);
    }
  },

  /** Of the picture's pixels, along one side of what is seen. */
  get span() {
    return Math.min(this.picture.width, this.picture.height) / Number(this.slider.value);
  },

  draw() {
    const { width, height } = this.picture;
    const half = this.span / 2;
    this.x = Math.min(Math.max(this.x, half), width - half);
    this.y = Math.min(Math.max(this.y, half), height - half);
    paint(this.stage, this);
  },

  touch(e) {
    this.stage.setPointerCapture(e.pointerId);
    this.fingers.set(e.pointerId, middle([e]));
  },

  /** One finger, or the mouse, drags; two pinch around the middle between them, and drag by it. */
  drag(e) {
    if (!this.fingers.has(e.pointerId)) return;
    const before = [...this.fingers.values()];
    this.fingers.set(e.pointerId, middle([e]));
    const after = [...this.fingers.values()];
    const held = this.at(middle(before));
    if (after.length === 2) this.zoom(distance(after) / distance(before));
    const now = this.at(middle(after));
    this.move(held.x - now.x, held.y - now.y);
  },

  wheel(e) {
    e.preventDefault();
    const held = this.at(middle([e]));
    this.zoom(1.002 ** -e.deltaY);
    const now = this.at(middle([e]));
    this.move(held.x - now.x, held.y - now.y);
  },

  key(e) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
    const zoom = { "+": ZOOM, "=": ZOOM, "-": 1 / ZOOM }[e.key];
    const isTurn = e.key.toLowerCase() === "r";
    if (e.ctrlKey || e.metaKey || e.altKey || !(way || zoom || isTurn)) return;
    e.preventDefault();
    if (way) this.move(way[0] * STEP * this.span, way[1] * STEP * this.span);
    else if (zoom) this.zoom(zoom);
    else this.turn();
  },

  zoom(by) {
    this.slider.value = String(Number(this.slider.value) * by);
    this.draw();
  },

  /** A quarter to the right. */
  turn() {
    const { picture, x, y } = this;
    const { width, height } = picture;
    const canvas = new OffscreenCanvas(height, width);
    const context = canvas.getContext("2d");
    context.translate(height, 0);
    context.rotate(Math.PI / 2);
    context.drawImage(picture, 0, 0);
    picture.close();
    Object.assign(this, { picture: canvas.transferToImageBitmap(), x: height - y, y: x });
    this.draw();
  },

  /** The place in the picture that is seen at a place of the window. */
  at({ x, y }) {
    const { left, top, width, height } = this.stage.getBoundingClientRect();
    const scale = this.span / width;
    return { x: this.x + (x - left - width / 2) * scale, y: this.y + (y - top - height / 2) * scale };
  },

  move(x, y) {
    this.x += x;
    this.y += y;
    this.draw();
  },

  /** The square as a file with the picture's own name. */
  async cut() {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = Math.min(SIDE, Math.round(this.span));
    paint(canvas, this);
    const { name, type } = this.upload.file;
    const blob = await new Promise((done) => canvas.toBlob(done, TYPES.includes(type) ? type : TYPES[0], QUALITY));
    return new File([blob], name, { type: blob.type });
  },
};

/** Of events, or of places. */
function middle(all) {
  const mean = (of) => all.reduce((sum, one) => sum + of(one), 0) / all.length;
  return { x: mean(({ clientX, x }) => clientX ?? x), y: mean(({ clientY, y }) => clientY ?? y) };
}

const distance = ([one, other]) => Math.hypot(one.x - other.x, one.y - other.y);

function paint(canvas, { picture, x, y, span }) {
  const { width, height } = canvas;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.clearRect(0, 0, width, height);
  context.drawImage(picture, x - span / 2, y - span / 2, span, span, 0, 0, width, height);
}

live?.hook("Crop", Crop);
