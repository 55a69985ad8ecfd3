// Shows why files were refused, on pages without a place of their own for it.

import { dom } from "../liveview/dom.js";
import { make, sync } from "./elements.js";

const FAILURE = '<p><bdi class="upload-name"></bdi>: <span></span></p>';

/** Draws a slot's errors below its drop zone or input. */
export function draw(view, name, uploads) {
  const failed = uploads.filter(({ hasFailed }) => hasFailed);
  let list = view.root.querySelector(`.upload-errors[data-slot="${name}"]`);
  if (view.all("dj-upload-errors", name).length || (!list && !failed.length)) return list?.remove();
  if (!list) {
    const beside = view.all("dj-upload-drop", name)[0] ?? view.all("dj-upload", name)[0];
    if (!beside) return;
    list = make('<div class="upload-errors" role="alert"></div>');
    list.dataset.slot = name;
    list.liveOwned = true;
    dom(beside).after(list);
  }
  sync(list, failed, (upload) => {
    const line = make(FAILURE);
    line.firstChild.textContent = upload.file.name;
    line.lastChild.textContent = upload.error;
    return line;
  });
}
