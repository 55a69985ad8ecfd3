// Whether bytes move. The speed of an upload holds for a second without any; then its rate and the time that is left are
// gone, and a second later its `line` says what it waits for: "waiting" for the network, or "offline" at once, if the
// browser says so. Loaded with the first file that is sent.

import { once } from "../liveview/once.js";
import { status } from "../liveview/status.js";

const EVERY = 250; // ms between two looks
const FRESH = 1_000; // ms without a byte for which a speed holds
const PATIENCE = 2_000; // ms without a byte after which that is said

/** Looks after a page's uploads, for as long as some are under way. */
export function watch(uploads) {
  once("liveness", () => new Liveness(uploads)).look();
}

class Liveness {
  constructor(uploads) {
    this.uploads = uploads;
    this.written = this.buffered = this.movedAt = 0;
    this.timer = null;
    for (const type of ["online", "offline"]) addEventListener(type, () => this.look());
    addEventListener("djust:upload:progress", () => (this.timer ??= this.begin()));
  }

  begin() {
    this.movedAt = performance.now();
    return setInterval(() => this.look(), EVERY);
  }

  look() {
    const { uploads } = this.uploads;
    const open = uploads.filter((upload) => upload.isWanted && !upload.isOver);
    this.timer ??= open.length ? this.begin() : null;
    this.measure(open);
    for (const upload of uploads) if (!upload.isOver) this.judge(upload);
    if (open.length) return;
    clearInterval(this.timer);
    this.timer = null;
  }

  /** Bytes move if the server has more of a file, or the socket has fewer that wait to be sent. */
  measure(open) {
    const written = open.reduce((sum, upload) => sum + upload.written, 0);
    const buffered = this.uploads.live.connection.socket?.bufferedAmount ?? 0;
    if (written !== this.written || buffered < this.buffered) this.movedAt = performance.now();
    Object.assign(this, { written, buffered });
  }

  judge(upload) {
    const { status: state, isWanted, written, file, sent, channel, rate } = upload;
    const silence = performance.now() - this.movedAt;
    const isSending = state === "uploading" && written < file.size;
    const isOut = sent > written || channel < 0; // some of it is on its way
    const isLate = isSending && isOut && silence > PATIENCE;
    const line = isWanted && written < file.size && status.isOffline ? "offline" : isLate ? "waiting" : "";
    const isStale = rate > 0 && (line || (isSending && silence > FRESH));
    if (line === upload.line && !isStale) return;
    upload.line = line;
    if (isStale) upload.rate = upload.measuredAt = 0;
    this.uploads.tell(upload);
  }
}
