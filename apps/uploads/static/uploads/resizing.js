// Pictures that are made smaller before they are sent. Loaded with the first of them.

import { load } from "../liveview/load.js";
import { once } from "../liveview/once.js";

// What becomes of which type. Others stay as they are: what moves, what is drawn, what browsers can't show.
const TYPES = {
  "image/jpeg": "image/jpeg",
  "image/png": "image/png",
  "image/webp": "image/webp",
  "image/avif": "image/webp",
  "image/heic": "image/jpeg",
  "image/heif": "image/jpeg",
  "image/bmp": "image/jpeg",
};
const EXTENSIONS = { "image/jpeg": ".jpg", "image/webp": ".webp" };
const HEAD = 64 * 1024; // bytes in which a file says that it moves

const page = once("resizing", () => ({
  asked: new WeakMap(), // upload that is being resized → the terms of the socket that it is to be registered on
  last: Promise.resolve(), // one at a time: a photo takes a hundred times its bytes while it is open
  worker: null,
  hasWorkers: Boolean(globalThis.OffscreenCanvas && globalThis.Worker),
}));

/** Resizes an upload's file, if that is of use, and registers it then. Asked again meanwhile, it goes on. */
export async function prepare(uploads, upload, wish) {
  const isNew = !page.asked.has(upload);
  page.asked.set(upload, uploads.terms);
  if (!isNew) return;
  const isWanted = () => !upload.isOver && uploads.uploads.includes(upload);
  const { accept = "" } = uploads.slots.get(upload.slot) ?? {};
  page.last = page.last.then(() => (isWanted() ? (upload.remade ?? smaller(upload.file, wish, accept)) : null)).catch(() => null);
  const made = await page.last;
  if (!isWanted()) return;
  Object.assign(upload, { wish: upload.prepare.wish, prepare: null });
  if (made) Object.assign(upload, { original: upload.file, file: made });
  uploads.forms.mirror(upload.slot);
  if (uploads.terms && page.asked.get(upload) === uploads.terms) uploads.register(upload); // or it will be
}

/** The file with fewer pixels and fewer bytes; null if it stays as it is. */
async function smaller(file, wish, accept) {
  const type = TYPES[file.type];
  const name = type === file.type ? file.name : file.name.replace(/(\.[^.]*)?$/, EXTENSIONS[type] ?? "$1");
  if (!type || (type !== file.type && !takes(accept, type)) || (await moves(file))) return null;
  const made = await (page.hasWorkers ? aside(file, wish, type) : here(file, wish, type));
  return made && new File([made], name, { type, lastModified: file.lastModified });
}

async function here(file, wish, type) {
  const { resample } = await load(() => import("./resample.js"));
  return resample(file, wish, type);
}

/** In a worker, where there may be one. */
function aside(file, wish, type) {
  return new Promise((resolve) => {
    const fail = () => {
      page.worker = null;
      page.hasWorkers = false;
      resolve(here(file, wish, type));
    };
    try {
      page.worker ??= new Worker(new URL("./resample.js", import.meta.url), { type: "module" });
    } catch {
      return fail(); // the page's policy
    }
    page.worker.onerror = fail;
    page.worker.onmessage = ({ data }) => resolve(data);
    page.worker.postMessage({ file, wish, type });
  });
}

function takes(accept, type) {
  const wanted = accept.split(",").map((part) => part.trim().toLowerCase());
  return !accept.trim() || [EXTENSIONS[type], type, "image/*", "*/*"].some((one) => wanted.includes(one));
}

/** Whether it is an animation. */
async function moves(file) {
  const head = new TextDecoder("latin1").decode(await file.slice(0, HEAD).arrayBuffer());
  if (file.type === "image/webp") return head.slice(12, 16) === "VP8X" && (head.charCodeAt(20) & 2) > 0;
  if (file.type === "image/png") return head.split("IDAT")[0].includes("acTL");
  return head.slice(8, 32).includes("avis");
}
