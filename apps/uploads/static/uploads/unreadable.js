// Files that can't be read any more. A browser says so only when it reads them, and a socket that is sending one is lost.

import { cancel } from "./messages.js";

const CHANGED = "The file has changed, or can't be read any more. Choose it again.";

/** Registers on a new socket what was under way on the last one, if it can still be read. */
export async function registerReadable(uploads, known) {
  const { window } = uploads.sender;
  for (const upload of known) {
    const isReadable = await upload.file.slice(0, 1).arrayBuffer().catch(() => null);
    if (uploads.sender.window !== window) return; // that socket is lost, too
    if (upload.status === "error" || !uploads.find(upload.ref)) continue;
    if (isReadable) uploads.register(upload);
    else fail(uploads, upload);
  }
  uploads.pump();
}

/** Ends an upload from this side, and says why. */
export function fail(uploads, upload, code = "file_changed", error = CHANGED) {
  uploads.live.send(cancel(upload.ref));
  uploads.forget(upload);
  upload.renew(); // what the server says of the one that was cancelled doesn't take this off the page
  Object.assign(upload, { code, error });
  uploads.become(upload, "error");
  uploads.pump();
}
