// After temporary errors: what the server has not kept, as it is busy or its disk is full, is registered again, a few
// times. What it has kept goes on by itself, then when the visitor says so.

import { gettext } from "../liveview/client.js";
import { once } from "../liveview/once.js";
import { cancel } from "./messages.js";

const TRIES = 6;
const FIRST_PAUSE = 1_000; // ms, doubled each time
const AGAIN = gettext("Trying again automatically…");

const tries = once("tries", () => new WeakMap()); // upload → how often it has been retried

/**
 * Retries an upload after a pause, or gives up. It is "resuming", and its `error` is set.
 * @param hadBegun whether it had been registered; if so, the server has discarded its bytes
 */
export function retry(uploads, upload, hadBegun) {
  const isOfMany = upload.code === "rate_limited"; // its turn comes for certain
  const count = tries.get(upload) ?? 0;
  if (count >= TRIES && !isOfMany) return uploads.become(upload, "error");
  if (!isOfMany) tries.set(upload, count + 1);
  const { terms } = uploads;
  const { ref } = upload;
  upload.error += ` ${AGAIN}`;
  upload.revision++;
  uploads.redraw();
  setTimeout(() => {
    // A new socket has registered it already, or it was removed.
    if (uploads.terms !== terms || uploads.find(ref) !== upload) return;
    uploads.live.send(cancel(ref)); // the server still has the failed entry
    if (hadBegun) uploads.forget(upload);
    const { id } = upload;
    upload.renew();
    Object.assign(upload, { id: hadBegun ? "" : id, error: "" }); // an upload that was to be resumed still is
    uploads.register(upload);
  }, pause(isOfMany ? TRIES - 1 : count));
}

/** The server tries again by itself. It may have come to less than we have sent, and says so when it goes on. */
export function delay(uploads, { ref, code, message }) {
  const upload = uploads.find(ref);
  if (!upload || upload.isOver) return;
  Object.assign(upload, { code, error: `${message} ${AGAIN}`, channel: Math.min(upload.channel, 0) });
  uploads.become(upload, "resuming");
}

/** The visitor wants a failed upload to be tried again: goes on, if nothing of it is lost, or starts over. */
export function goOn(uploads, upload) {
  const { grant, keeper } = upload;
  if (!keeper) {
    uploads.cancel(upload.ref);
    return uploads.choose(upload.slot, [upload]);
  }
  Object.assign(upload, { code: "", error: "", keeper: null });
  if (keeper !== uploads.terms) {
    upload.reset(upload.id ? upload.written : 0); // that socket is gone: its uploads are, unless they can be resumed
    if (!upload.id) upload.renew();
    uploads.become(upload, "queued");
    uploads.register(upload);
  } else if (grant) {
    upload.channel = -1;
    uploads.become(upload, "queued");
    uploads.external.open(upload, grant);
  } else {
    uploads.become(upload, "resuming");
    uploads.live.send({ type: "upload_retry", ref: upload.ref });
  }
}

/** Takes the failed uploads of a slot off the page. */
export function dismiss(uploads, slot) {
  const gone = uploads.uploads.filter((upload) => upload.slot === slot && upload.hasFailed);
  for (const upload of gone) uploads.take(upload);
  uploads.remove((upload) => gone.includes(upload));
}

/** Exponential backoff with jitter. */
const pause = (count) => FIRST_PAUSE * 2 ** count * (0.5 + Math.random() / 2);
