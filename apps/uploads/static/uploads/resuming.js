// Resumes parked uploads: after a lost socket and, with what the browser has stored, after a reload.

import { gettext } from "../liveview/client.js";
import { load } from "../liveview/load.js";
import { cancel, resume } from "./messages.js";
import { page } from "./upload.js";

const PAUSE = 2_000; // ms, on average, until the next try, for instance while another tab is sending the upload
// Errors after which the server still has the bytes
const LATER = new Set(["locked", "busy", "rate_limited", "storage_full", "storage_unavailable"]);
const NO_STORE = { find: () => "", save() {}, forget() {}, draw() {} }; // where IndexedDB is blocked, as in a private window

/** Gives a page's uploads what resumes them. */
export async function start(uploads) {
  const { ResumeStore } = await load(() => import("./resume_store.js"));
  const store = await ResumeStore.open(uploads).catch(() => NO_STORE);
  await uploads.with({ resuming: new Resuming(uploads, store) });
  store.restore?.start(store.records, store.inOtherTabs).catch(() => {});
}

class Resuming {
  /** @param uploads the page's */
  constructor(uploads, store) {
    this.uploads = uploads;
    this.store = store;
  }

  /** Asks the server how much of the file it has. */
  ask(upload) {
    this.uploads.live.send(resume(upload, page));
    const rests = upload.status === "paused" ? "paused" : "queued"; // until the visitor says so
    this.uploads.become(upload, upload.isWanted ? "resuming" : rests);
  }

  /** Does what the server says: go on from its offset, wait until the other tab is done, or start over. */
  async answered(upload, answer) {
    const { uploads } = this;
    if (answer.accepted) {
      const isSame = await hasTail(upload.file, answer).catch(() => null);
      if (isSame) return uploads.open(upload, answer);
      if (isSame === null) return this.fail(upload);
      uploads.live.send(cancel(upload.ref));
      Object.assign(upload, { code: "file_changed", error: gettext("The file has changed, so it is sent from the beginning.") });
    } else if (LATER.has(answer.code)) {
      upload.error = answer.message;
      uploads.tell(upload);
      setTimeout(() => uploads.find(upload.ref) && !upload.channel && uploads.register(upload), PAUSE * (0.5 + Math.random()));
      return;
    }
    if (!answer.accepted && upload.isRestored) return uploads.cancel(upload.ref); // it has arrived, or is too old
    this.store.forget(upload.id);
    upload.renew();
    uploads.become(upload, "queued");
    uploads.register(upload);
  }

  async fail(upload) {
    const { fail } = await load(() => import("./unreadable.js"));
    if (!upload.isOver) fail(this.uploads, upload);
  }
}

/** Compares the bytes before the offset with the server's. Pages without HTTPS can't hash, and trust the server. */
async function hasTail(file, { offset, length, digest }) {
  if (!length || !crypto.subtle) return true;
  const bytes = await file.slice(offset - length, offset).arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("") === digest;
}
