// Files that can no longer be read, which browsers notice only when they read one.

import { gettext } from "../liveview/client.js";
import { cancel } from "./messages.js";

const CHANGED = gettext("The file has changed or can't be read any more. Choose it again.");
const INSECURE = gettext("Files can't be verified on this page because it isn't served over HTTPS.");

/** Registers the last socket's uploads on a new one, if their files can still be read. @param terms that socket's */
export async function registerReadable(uploads, known, terms) {
  for (const upload of known) {
    const isReadable = await upload.file.slice(0, 1).arrayBuffer().catch(() => null);
    if (uploads.terms !== terms) return; // that socket is lost, too
    if (upload.status === "error" || !uploads.find(upload.ref)) continue;
    if (isReadable) uploads.register(upload);
    else fail(uploads, upload);
  }
  uploads.pump();
}

/** A chunk of an upload could not be made: its file can't be read, or this page can't hash it. */
export function failed(uploads, upload) {
  if (upload.isOver) return;
  if (uploads.slots.get(upload.slot)?.verify && !crypto.subtle) fail(uploads, upload, "insecure", INSECURE);
  else fail(uploads, upload);
}

/** Fails an upload from this side, with a code and a sentence for the visitor. */
export function fail(uploads, upload, code = "file_changed", error = CHANGED) {
  uploads.live.send(cancel(upload.ref));
  uploads.forget(upload);
  upload.renew(); // the server's answer to the cancel must not remove this one from the page
  Object.assign(upload, { code, error });
  uploads.become(upload, "error");
  uploads.pump();
}
