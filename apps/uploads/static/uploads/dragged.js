// dj-upload-overlay: says what a drop will do, with the number of files where the browser tells it. Loaded with the first
// drag over a page that has such an element.

import { dom } from "../liveview/dom.js";
import { formOf, number } from "../liveview/numbers.js";
import { once } from "../liveview/once.js";

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
  const said = count ? formOf(formsOf(dom(overlay)), count)?.replace("#", number(count)) : null;
  const wanted = said ?? plain.get(overlay);
  if (text.nodeValue !== wanted) text.nodeValue = wanted;
}

/** From `live_plurals`, or of a page that is in one language. */
function formsOf({ dataset: { forms, one, other } }) {
  return forms ? JSON.parse(forms) : ["101", one ?? other, other];
}
