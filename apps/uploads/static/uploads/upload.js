// One upload: a file and how much of it the server has.

import { once } from "../liveview/once.js";

const refs = once("refs", () => ({ last: 0 }));

/** Names this page load to the server, on whichever socket. */
export const page = once("page load", () =>
  Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join(""),
);

/** Statuses: queued, uploading, resuming, paused, complete, error, cancelled. */
export class Upload {
  constructor(slot, { file, path, handle, form, prepare, isRestored, refusal = ["", ""] }) {
    this.renew();
    this.slot = slot;
    this.file = file;
    this.path = path;
    this.handle = handle; // gives access to the file after a reload
    this.form = form; // in which it was chosen
    this.prepare = prepare; // the file, first
    this.isRestored = isRestored; // after a reload
    this.status = "queued";
    this.isWanted = false;
    [this.code, this.error] = refusal; // known already
    this.isFinal = false; // not to be retried
    this.keeper = null; // the socket whose server has it still, by its terms
    this.isOpaque = false; // a picture that this browser can't show
    this.revision = 0;
  }

  /** Becomes another upload, for the server. */
  renew() {
    this.ref = `${page}-${++refs.last}`;
    this.id = ""; // the server's, if it can be resumed
    this.reset();
  }

  reset(written = 0) {
    this.channel = 0;
    this.sent = 0;
    this.written = written;
    this.rate = 0;
    this.measuredAt = 0;
    this.line = ""; // what keeps bytes from moving: see liveness.js
  }

  get isOver() {
    return ["complete", "error", "cancelled"].includes(this.status);
  }

  get hasFailed() {
    return this.status === "error";
  }

  /** Whether its form has it: not what was refused or taken back. */
  get isChosen() {
    return !["error", "cancelled"].includes(this.status);
  }

  get canSend() {
    return this.isWanted && this.channel > 0 && !this.isOver && this.sent < this.file.size;
  }

  get progress() {
    if (this.status === "complete") return 100;
    return this.file.size ? Math.floor((100 * this.written) / this.file.size) : 0;
  }

  /** The detail of `djust:upload:progress`. */
  get detail() {
    const { ref, progress, status, slot, written, file, rate, error, code } = this;
    const eta = rate ? (file.size - written) / rate : null;
    return { ref, progress, status, uploadName: slot, name: file.name, bytes: written, total: file.size, rate, eta, error, code };
  }
}
