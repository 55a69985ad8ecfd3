// Elements we draw, one for each upload.

import { document } from "../liveview/dom.js";

/** Makes an element's children `first` and one for each upload, in order; existing ones stay. Returns the uploads'. */
export function sync(element, uploads, make, first = null) {
  const have = new Map(Array.from(element.children, (child) => [child.dataset.ref, child]));
  const rows = uploads.map((upload) => {
    const child = have.get(upload.ref) ?? make(upload);
    child.dataset.ref = upload.ref;
    return child;
  });
  const want = first ? [first, ...rows] : rows;
  if (want.length !== element.childNodes.length || want.some((child, i) => element.childNodes[i] !== child)) {
    element.replaceChildren(...want);
  }
  return rows;
}

/** Makes an element from trusted HTML. */
export function make(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}
