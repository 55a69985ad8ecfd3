// Elements we draw, one for each upload.

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
  const focused = document.activeElement;
  const holder = Array.from(element.children).find((child) => child.contains(focused));
  let heir = holder;
  while (heir && !want.has(heir)) heir = heir.nextElementSibling;
  for (const node of [...element.childNodes]) if (!want.has(node)) node.remove();
  let at = element.firstChild;
  for (const child of want) {
    if (child === at) at = at.nextSibling;
    else element.insertBefore(child, at);
  }
  if (holder && document.activeElement !== focused) alike(heir ?? rows.at(-1), focused)?.focus();
  return rows;
}

/** The button of a row that does the same. */
function alike(row, button) {
  const name = button.getAttributeNames().find((name) => name.startsWith("dj-upload-"));
  return row?.querySelector(`[${name ?? "autofocus"}]`);
}

/** Makes an element from trusted HTML. */
export function make(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}
