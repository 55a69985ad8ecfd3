// Retries uploads after temporary errors, such as a busy server or a full disk: each is registered again, a few times.

import { once } from "../liveview/once.js";
import { cancel } from "./messages.js";

const TRIES = 6;
const FIRST_PAUSE = 1_000; // ms, doubled each time

const tries = once("tries", () => new WeakMap()); // upload → how often it has been retried

/**
 * Retries an upload after a pause, or gives up. It is "resuming", and its `error` is set.
 * @param hadBegun whether it had been registered; if so, the server has discarded its bytes, unless it can be resumed
 *   once its storage is back
 */
export function retry(uploads, upload, hadBegun) {
  const count = tries.get(upload) ?? 0;
  if (count >= TRIES) return uploads.become(upload, "error");
  tries.set(upload, count + 1);
  const isKept = !hadBegun || (upload.code === "storage_unavailable" && uploads.slots.get(upload.slot)?.resumable);
  const { terms } = uploads;
  const { ref } = upload;
  upload.error += " It is tried again by itself.";
  upload.revision++;
  uploads.redraw();
  setTimeout(() => {
    // A new socket has registered it already, or it was removed.
    if (uploads.terms !== terms || uploads.find(ref) !== upload) return;
    uploads.live.send(cancel(ref)); // the server still has the failed entry
    if (!isKept) uploads.forget(upload);
    const { id } = upload;
    upload.renew();
    Object.assign(upload, { id: isKept ? id : "", error: "" }); // an upload that was to be resumed still is
    uploads.register(upload);
  }, pause(count));
}

/** Exponential backoff with jitter. */
const pause = (count) => FIRST_PAUSE * 2 ** count * (0.5 + Math.random() / 2);
