// Shows why files were refused, on pages without a place of their own for it, and what can be done about it.

import { gettext } from "../liveview/client.js";
import { document, dom } from "../liveview/dom.js";
import { make, sync } from "./elements.js";

const LINE = `<p><bdi class="upload-name"></bdi><span></span>
<button type="button" dj-upload-retry="">${gettext("Try again")}</button> <button type="button" dj-upload-cancel="">${gettext("Remove")}</button></p>`;
const ALL = `<p><button type="button" dj-upload-dismiss="">${gettext("Remove all")}</button></p>`;
const PATIENCE = 500; // ms in which the server may render a button of the page's own

/** Draws a slot's errors beside its drop zone or input. Where a template shows them, only what it has no button for. */
export function draw(view, name, uploads) {
  if (document.querySelector("dialog:modal")) view.need("above", () => import("./above.js"));
  const own = Array.from(view.all("dj-upload-errors", name)).find((found) => !view.above?.isBehind(found));
  const hasRows = [...view.all("dj-upload-progress", name)].some((element) => element.tagName !== "PROGRESS");
  const shown = uploads.filter((upload) => (own ? isStuck(view, upload) : upload.error && (upload.hasFailed || !hasRows)));
  let list = document.querySelector(`.upload-errors[data-slot="${name}"]`);
  if (!shown.length) return list?.remove();
  if (!list) {
    list = make('<div class="upload-errors"></div>');
    list.dataset.slot = name;
    list.role = own ? "group" : "alert";
    list.liveOwned = true;
    dom(own ?? place(view, name, shown[0])).after(list);
  }
  view.above?.put(list, own ?? place(view, name, shown[0]));
  const all = shown.length > 1 ? (list.querySelector(":scope > :not([data-ref])") ?? make(ALL)) : null;
  all?.firstChild.setAttribute("dj-upload-dismiss", name);
  const lines = sync(list, shown, () => make(LINE), all);
  shown.forEach((upload, i) => fill(lines[i], upload, own));
}

function fill(line, { ref, file, error, hasFailed, isFinal }, own) {
  const [label, reason, retry, remove] = line.children;
  const text = own?.textContent.includes(error) ? "" : `: ${error}`;
  if (label.textContent !== file.name) label.textContent = file.name;
  if (reason.textContent !== text) reason.textContent = text;
  for (const [button, what] of [[retry, "retry"], [remove, "cancel"]]) {
    button.setAttribute(`dj-upload-${what}`, ref);
    button.ariaLabel = `${button.textContent} ${file.name}`;
  }
  retry.hidden = !hasFailed || isFinal;
}

/** Whether it has failed, and the page has no button to remove it. */
function isStuck(view, upload) {
  if (!upload.hasFailed) return false;
  upload.failedAt ??= performance.now();
  const left = upload.failedAt + PATIENCE - performance.now();
  if (left > 0) setTimeout(view.redraw, left);
  return left <= 0 && !view.root.querySelector(`[dj-upload-cancel="${upload.ref}"]:not(.upload-errors[data-slot] *)`);
}

/** What the errors of a slot come after: its zone or its input, and never a whole form or what is around one. */
function place(view, name, { form }) {
  const isWide = (found) => dom(found).matches("form") || dom(found).querySelector("form");
  const zone = [...view.all("dj-upload-drop", name)].find((found) => !isWide(found));
  const input = view.all("dj-upload", name)[0];
  const found = zone ?? input?.closest("label") ?? input ?? view.all("dj-upload-progress", name)[0];
  return found ?? dom(form ?? view.root).lastElementChild;
}

/** A form can't be sent because of this upload: shows where that is said, and what can be pressed. */
export function point({ root }, form, { ref }) {
  const line = root.querySelector(`[data-ref="${ref}"]:is([data-status=error], .upload-errors > *)`);
  (line ?? dom(form).querySelector("[role=alert]"))?.scrollIntoView({ block: "nearest" });
  line?.querySelector("button:not([hidden])")?.focus({ preventScroll: true });
}
