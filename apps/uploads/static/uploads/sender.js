// Which chunk goes next. Driven by what arrives, never by a timer: a hidden tab sends as fast as a visible one.
// Loaded with the first file.

import { HEADER_SIZE, chunk } from "./messages.js";
import { SendWindow } from "./send_window.js";

const HALF_LIFE = 2_000; // ms over which the displayed rate is smoothed

/** Gives a page's uploads a sender. */
export function start(uploads) {
  uploads.sender = new Sender(uploads.live.connection);
  if (uploads.terms) uploads.sender.start(uploads);
  uploads.view.need("liveness", () => import("./liveness.js")).then(() => uploads.view.liveness.watch(uploads));
  uploads.pump();
}

/** Pauses uploads or, if all of them are paused, has them go on. */
export function toggle(uploads, chosen) {
  const held = chosen.filter(({ isOver }) => !isOver);
  const running = held.filter(({ status }) => status !== "paused");
  for (const upload of running) {
    upload.isWanted = false;
    uploads.become(upload, "paused");
  }
  if (!running.length) for (const upload of held) uploads.want(upload);
  uploads.pump();
}

class Sender {
  constructor(connection) {
    this.connection = connection;
    this.window = null;
    this.turn = 0;
  }

  /** A socket is ready and gives some credit. */
  start({ terms, slots }) {
    this.slots = slots;
    this.maxFrame = terms.max_frame;
    this.window = new SendWindow(terms.credit);
  }

  stop() {
    this.window = null;
  }

  settle(credit, settled) {
    this.window?.settle(credit, performance.now(), settled);
  }

  /** So many bytes of an upload are written now. */
  advance(upload, written) {
    const now = performance.now();
    const { measuredAt, rate } = upload;
    const elapsed = now - measuredAt;
    if (measuredAt && elapsed > 0) {
      const fresh = ((written - upload.written) * 1000) / elapsed;
      upload.rate = rate ? rate + (fresh - rate) * (1 - 0.5 ** (elapsed / HALF_LIFE)) : fresh;
    }
    Object.assign(upload, { measuredAt: now, written });
  }

  /** Sends what fits now; the `active` uploads take turns. */
  pump(active) {
    while (this.window) {
      const able = active().filter((upload) => upload.canSend);
      if (!able.length) return;
      const upload = able[this.turn++ % able.length];
      const left = upload.file.size - upload.sent;
      const header = upload.digests?.headerSize ?? HEADER_SIZE;
      const most = Math.min(this.maxFrame, left + header);
      const room = this.window.room(most, this.slots.get(upload.slot)?.chunk_size);
      if (room <= header) return;
      this.send(upload, Math.min(left, room - header), header);
    }
  }

  send(upload, length, header) {
    const payload = upload.file.slice(upload.sent, upload.sent + length);
    if (upload.digests) upload.digests.send(this, upload, payload);
    else this.connection.sendBinary(chunk(upload.channel, upload.sent, payload));
    this.window.spend(length + header, performance.now());
    upload.sent += length;
  }
}
