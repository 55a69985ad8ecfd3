// The files in dropped folders, at any depth. What can't be read is named, and keeps nothing else.

import { gettext } from "../liveview/client.js";

const HIDDEN = /^(\..*|thumbs\.db|desktop\.ini)$/i;
const MOST = 2_000; // files: a page takes no more at a time, and nobody waits for a whole disk to be read
const EMPTY = ["empty", gettext("There are no files in this folder.")];
const MORE = ["too_many_files", gettext("Only the first 2,000 files were added. Add the others afterwards.")];
const UNREADABLE = ["unreadable", gettext("This can't be read. Choose it again.")];

/** The files of these entries, with their paths relative to the drop; with a `refusal` instead of what can't be had. */
export async function filesIn(entries) {
  const found = [];
  for (const entry of entries) {
    const before = found.length;
    await walk(entry, found);
    if (entry.isDirectory && found.length === before) found.push(refused(entry, EMPTY));
  }
  return bounded(found);
}

/** Leaves out hidden files and those that operating systems put into folders. */
export function visible(files) {
  const rest = files.filter(({ file }) => !HIDDEN.test(file.name));
  if (rest.length || !files.length) return bounded(rest);
  return [refused({ name: files[0].path?.split("/")[0] ?? "", fullPath: "" }, EMPTY)];
}

function bounded(files) {
  const [first] = files.splice(MOST);
  if (first) files.push(refused({ name: first.path?.split("/")[0] ?? "", fullPath: "" }, MORE));
  return files;
}

async function walk(entry, found) {
  if (found.length > MOST) return;
  try {
    if (entry.isDirectory) await enter(entry, found);
    else if (!HIDDEN.test(entry.name)) found.push({ file: await ask(entry, "file"), path: entry.fullPath.slice(1) });
  } catch {
    found.push(refused(entry, UNREADABLE));
  }
}

async function enter(folder, found) {
  const reader = folder.createReader();
  while (found.length <= MOST) {
    const some = await ask(reader, "readEntries"); // up to a hundred
    if (!some.length) return;
    for (const child of some) await walk(child, found);
  }
}

const ask = (object, method) => new Promise((resolve, reject) => object[method](resolve, reject));

function refused({ name, fullPath }, refusal) {
  return { file: new File([], name), path: fullPath.slice(1) || null, refusal };
}
