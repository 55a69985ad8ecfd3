// Where files come from: inputs, drops, the clipboard.

const OVER = "upload-dragover";
const INPUT = "input[type=file][dj-upload]";

/** Calls `chosen(slot, files)` whenever a visitor gives files to a slot inside `root`. */
export function listen(root, chosen) {
  const depths = new WeakMap(); // zone → how many of its descendants the drag is inside: no flicker between children

  root.addEventListener("change", (e) => e.target.matches(INPUT) && take(e.target));
  root.querySelectorAll(INPUT).forEach(take); // chosen before this script loaded

  addEventListener("dragenter", (e) => enter(e, 1));
  addEventListener("dragleave", (e) => enter(e, -1));
  addEventListener("dragover", (e) => {
    if (!carriesFiles(e)) return;
    e.preventDefault(); // outside a zone, too: a missed drop must not leave the page
    e.dataTransfer.dropEffect = zoneOf(e) ? "copy" : "none";
  });
  addEventListener("drop", async (e) => {
    if (!carriesFiles(e)) return;
    e.preventDefault();
    const zone = zoneOf(e);
    for (const marked of document.querySelectorAll("." + OVER)) leave(marked);
    if (zone) chosen(zone.getAttribute("dj-upload-drop"), await filesOf(e.dataTransfer));
  });
  addEventListener("paste", (e) => {
    const [only, ...others] = root.querySelectorAll("[dj-upload-paste]");
    const isTyping = e.target.matches?.(":read-write");
    const area = e.target.closest?.("[dj-upload-paste]") ?? (others.length || isTyping ? null : only);
    const files = Array.from(e.clipboardData?.files ?? [], (file) => ({ file, path: null }));
    if (!area || !files.length) return;
    e.preventDefault();
    chosen(area.getAttribute("dj-upload-paste"), files);
  });

  async function take(input) {
    let files = Array.from(input.files, (file) => ({ file, path: file.webkitRelativePath || null }));
    if (input.webkitdirectory) files = (await import("./folders.js")).visible(files);
    if (files.length && chosen(input.getAttribute("dj-upload"), files) !== false) input.value = "";
  }

  function enter(e, step) {
    const zone = carriesFiles(e) && zoneOf(e);
    if (!zone) return;
    const depth = (depths.get(zone) ?? 0) + step;
    depths.set(zone, depth);
    if (depth > 0) zone.classList.add(OVER);
    else leave(zone);
  }

  function leave(zone) {
    depths.delete(zone);
    zone.classList.remove(OVER);
  }
}

function carriesFiles(e) {
  return e.dataTransfer?.types.includes("Files");
}

function zoneOf(e) {
  return e.target.closest?.("[dj-upload-drop]");
}

/** The files of a drop, including those in folders. */
async function filesOf(transfer) {
  const items = Array.from(transfer.items).filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.some((entry) => entry.isDirectory)) return (await import("./folders.js")).filesIn(entries);
  const files = Array.from(transfer.files, (file) => ({ file, path: null }));
  const handles = items.map((item) => item.getAsFileSystemHandle?.()); // must be requested during the event
  return Promise.all(files.map(async (one, i) => ({ ...one, handle: await handles[i]?.catch(() => null) })));
}
