// dj-upload-overlay: says what a drop will do, with the number of files where the browser tells it. Loaded with the first
// drag over a page that has such an element.

import { dom } from "../liveview/dom.js";
import { once } from "../liveview/once.js";

const PLURALS = new Intl.PluralRules(document.documentElement.lang || undefined);
const plain = once("overlays", () => new WeakMap()); // overlay → what it says of any number

once("dragged", () => addEventListener("dragenter", entered) ?? addEventListener("dragover", entered) ?? true);

function entered({ dataTransfer }) {
  if (!dataTransfer?.types.includes("Files")) return;
  for (const overlay of document.querySelectorAll("[dj-upload-overlay]")) say(overlay, countOf(dataTransfer));
}

/** 0 where that isn't told, or a folder may be among them. */
function countOf({ items }) {
  const files = Array.from(items).filter(({ kind }) => kind === "file");
  return files.every(({ type }) => type) ? files.length : 0;
}

/** In its text node, which stays the server's. */
function say(overlay, count) {
  const text = overlay.firstChild;
  if (!plain.has(overlay)) plain.set(overlay, text.nodeValue);
  const { dataset } = dom(overlay);
  const words = count ? (dataset[PLURALS.select(count)] ?? dataset.other) : null;
  const said = words?.replace("#", count) ?? plain.get(overlay);
  if (text.nodeValue !== said) text.nodeValue = said;
}
