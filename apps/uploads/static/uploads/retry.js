// Errors that pass: a busy server, a full disk. Their uploads wait and are registered anew, a few times.

import { cancel } from "./messages.js";

const TRIES = 6;
const FIRST_PAUSE = 1_000; // ms, doubled each time

const tries = new WeakMap(); // upload → how often it has been tried again

/**
 * The upload is "resuming" and has the error's sentence: tries it again after a while, or gives up.
 * @param hadBegun whether its bytes were under way: then the server has none of them any more
 */
export function retry(uploads, upload, hadBegun) {
  const count = tries.get(upload) ?? 0;
  if (count >= TRIES) return uploads.become(upload, "error");
  tries.set(upload, count + 1);
  const { window } = uploads.sender;
  const { ref } = upload;
  upload.error += " It is tried again by itself.";
  upload.revision++;
  uploads.redraw();
  setTimeout(() => {
    // A new socket has registered it already.
    if (uploads.sender.window !== window || uploads.find(ref) !== upload) return;
    uploads.live.send(cancel(ref)); // the server has kept the error
    if (hadBegun) uploads.forget(upload);
    const { id } = upload;
    upload.renew();
    Object.assign(upload, { id: hadBegun ? "" : id, error: "" }); // what was to be resumed still is
    uploads.register(upload);
  }, pause(count));
}

/** Never the same for all who wait. */
const pause = (count) => FIRST_PAUSE * 2 ** count * (0.5 + Math.random() / 2);
