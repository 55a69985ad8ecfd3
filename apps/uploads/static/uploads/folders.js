// The files in dropped folders, at any depth.

const HIDDEN = /^(\..*|thumbs\.db|desktop\.ini)$/i;

/** The files of these entries, with their paths relative to the drop. */
export async function filesIn(entries) {
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return visible(found);
}

/** Leaves out hidden files and those that operating systems put into folders. */
export function visible(files) {
  return files.filter(({ file }) => !HIDDEN.test(file.name));
}

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, path: entry.fullPath.slice(1) });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // up to a hundred
    if (!some.length) return;
    for (const child of some) await walk(child, found);
  }
}
