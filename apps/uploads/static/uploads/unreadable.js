// Files that can no longer be read. Browsers notice only when they read one; a socket that is sending it is lost.

import { cancel } from "./messages.js";

const CHANGED = "The file has changed or can't be read any more. Choose it again.";

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

/** Fails an upload from this side, with a code and a sentence for the visitor. */
export function fail(uploads, upload, code = "file_changed", error = CHANGED) {
  uploads.live.send(cancel(upload.ref));
  uploads.forget(upload);
  upload.renew(); // the server's answer to the cancel must not remove this one from the page
  Object.assign(upload, { code, error });
  uploads.become(upload, "error");
  uploads.pump();
}
