// Elements we draw, one for each upload.

import { live } from "../liveview/client.js";
import { document } from "../liveview/dom.js";

/** Makes an element's children `first` and one for each upload, in order. Returns those; existing ones keep the focus. */
export function sync(element, uploads, make, first = null) {
  const have = new Map(Array.from(element.children, (child) => [child.dataset.ref, child]));
  const rows = uploads.map((upload) => {
    const child = have.get(upload.ref) ?? make(upload);
    child.dataset.ref = upload.ref;
    return child;
  });
  const want = new Set(first ? [first, ...rows] : rows);
  const focus = live.hold(element);
  for (const node of [...element.childNodes]) if (!want.has(node)) node.remove();
  let at = element.firstChild;
  for (const child of want) {
    if (child === at) at = at.nextSibling;
    else element.insertBefore(child, at);
  }
  focus.restore();
  return rows;
}

/** Makes an element from trusted HTML. */
export function make(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}
