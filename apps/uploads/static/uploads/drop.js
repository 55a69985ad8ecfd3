// Where files come from: inputs, drops, the clipboard.

import { document, dom } from "../liveview/dom.js";
import { load } from "../liveview/load.js";

const OVER = "upload-dragover";
const ZONE = "[dj-upload-drop]";
const INPUT = "input[type=file][dj-upload]";
const OPEN = ":is(:root:not(:has(:modal)), :modal) "; // not behind a dialog

/** Calls `uploads.choose(slot, files, giver)` whenever a visitor gives files to a slot inside `root`. */
export function listen(root, uploads) {
  const taken = new WeakSet(); // files
  const depths = new WeakMap(); // zone → how many of its descendants the drag is inside

  root.addEventListener("change", (e) => dom(e.target).matches(INPUT) && take(e.target));
  recall(); // chosen before this script was there
  addEventListener("pageshow", recall); // given back to a page that is returned to

  addEventListener("dragenter", (e) => enter(e, 1));
  addEventListener("dragleave", (e) => enter(e, -1));
  addEventListener("dragover", (e) => {
    if (!carriesFiles(e) || isAnothers(e) || (!targetOf(e) && isEditable(e))) return;
    e.preventDefault(); // outside a zone, too: a missed drop must not leave the page
    e.dataTransfer.dropEffect = takerOf(e) ? effect(e.dataTransfer) : "none";
  });
  addEventListener("drop", async (e) => {
    clear();
    if (!carriesFiles(e) || isAnothers(e)) return;
    e.preventDefault();
    const taker = takerOf(e);
    if (taker) uploads.choose(slotOf(taker), await filesOf(e.dataTransfer), taker);
  });
  addEventListener("paste", (e) => {
    const [only, ...others] = root.querySelectorAll(OPEN + "[dj-upload-paste]");
    const area = dom(e.target).closest?.("[dj-upload-paste]") ?? (others.length || isEditable(e) ? null : only);
    const files = Array.from(e.clipboardData?.files ?? [], (file) => ({ file, path: null }));
    if (e.defaultPrevented || !area || !files.length || (isEditable(e) && hasText(e.clipboardData, files))) return;
    e.preventDefault();
    uploads.choose(dom(area).getAttribute("dj-upload-paste"), files, area);
  });

  function recall() {
    for (const input of root.querySelectorAll(INPUT)) if (input.files.length && !taken.has(input.files[0])) take(input);
  }

  async function take(input) {
    for (const file of input.files) taken.add(file);
    let files = Array.from(input.files, (file) => ({ file, path: file.webkitRelativePath || null }));
    if (input.webkitdirectory) files = (await load(() => import("./folders.js"))).visible(files);
    if (!input.matches(":disabled")) uploads.choose(slotOf(input), files, input);
  }

  /** The zone or input of ours that takes what is dragged. */
  function takerOf(e) {
    const target = targetOf(e);
    return target && uploads.forms?.isDisabled(slotOf(target), target) ? null : target;
  }

  function enter(e, step) {
    if (!carriesFiles(e)) return;
    uploads.loadForms(); // they know what is disabled
    const target = step > 0 ? takerOf(e) : targetOf(e);
    const zone = target && dom(target).closest(ZONE);
    if (!zone) return;
    const depth = (depths.get(zone) ?? 0) + step;
    depths.set(zone, depth);
    if (depth > 0) dom(zone).classList.add(OVER);
    else leave(zone);
    addEventListener("pointermove", clear, { once: true }); // there is none in a drag: it has ended without a word
  }

  function clear() {
    for (const marked of document.querySelectorAll("." + OVER)) leave(marked);
  }

  function leave(zone) {
    depths.delete(zone);
    dom(zone).classList.remove(OVER);
  }
}

function carriesFiles(e) {
  return e.dataTransfer?.types.includes("Files");
}

/** What takes the files of a drag: the nearest zone or input, ours or not. */
function nearest(e) {
  return e.composedPath().find((node) => dom(node).matches?.(`${ZONE}, input[type=file]:enabled`));
}

/** The zone or input of ours under a drag; beside all others, the one for the whole page. */
function targetOf(e) {
  const found = nearest(e) ?? (isEditable(e) ? null : document.querySelector(`${OPEN}${ZONE}[dj-upload-anywhere]`));
  return found && dom(found).matches(`${ZONE}, ${INPUT}`) ? found : null;
}

/** Whether a drag is a nearer script's, or over a file input that isn't ours. */
function isAnothers(e) {
  return e.defaultPrevented || (nearest(e) && !targetOf(e));
}

function isEditable(e) {
  return dom(e.composedPath()[0]).matches?.(":read-write");
}

const slotOf = (element) => dom(element).getAttribute("dj-upload-drop") ?? dom(element).getAttribute("dj-upload");

/** Whether there is text besides the files' names. */
function hasText(clipboard, files) {
  const text = clipboard.getData("text/plain").trim();
  return text && !files.every(({ file }) => text.includes(file.name));
}

/** What a drag's source allows: a drop would fail otherwise. */
const effect = ({ effectAllowed }) => /^(move|link)/.exec(effectAllowed)?.[0] ?? "copy";

/** The files of a drop, including those in folders. */
async function filesOf(transfer) {
  const items = Array.from(transfer.items).filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.some((entry) => entry.isDirectory)) {
    return (await load(() => import("./folders.js"))).filesIn(entries);
  }
  const handles = items.map((item) => item.getAsFileSystemHandle?.()); // must be requested during the event
  const withHandle = async (file, i) => ({ file, path: null, handle: await handles[i]?.catch(() => null) });
  return Promise.all(Array.from(transfer.files, withHandle));
}
