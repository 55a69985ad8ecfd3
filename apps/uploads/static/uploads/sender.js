// Which chunk goes next. Driven by what arrives, never by a timer: a hidden tab sends as fast as a visible one.
// Loaded with the first file.

import { load } from "../liveview/load.js";
import { PLAIN, Source, VERIFIED, frame } from "./frames.js";
import { SendWindow } from "./send_window.js";

const AHEAD = 2; // frames that are read or hashed at the same time
const HALF_LIFE = 2_000; // ms over which the displayed rate is smoothed

/** Gives a page's uploads a sender. */
export function start(uploads) {
  uploads.sender = new Sender(uploads);
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
  constructor(uploads) {
    this.uploads = uploads;
    this.window = null;
    this.turn = this.reading = 0;
    this.before = null; // settled when the last frame is sent, or isn't
    this.sources = new WeakMap(); // upload → its file, as it is read
  }

  /** A socket is ready and gives some credit. */
  start({ terms }) {
    this.maxFrame = terms.max_frame;
    this.window = new SendWindow(terms.credit);
  }

  stop() {
    this.window = null;
  }

  settle(credit, settled, least) {
    if (!this.window) return;
    this.window.least = least;
    this.window.settle(credit, performance.now(), settled);
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
    while (this.window && this.reading < AHEAD) {
      const able = active().filter((upload) => upload.canSend);
      if (!able.length) return;
      const upload = able[this.turn++ % able.length];
      const left = upload.file.size - upload.sent;
      const { verify, chunk_size } = this.uploads.slots.get(upload.slot) ?? {};
      const format = verify ? VERIFIED : PLAIN;
      const most = Math.min(this.maxFrame, left + format.headerSize);
      const room = this.window.room(most, chunk_size);
      if (room <= format.headerSize) return;
      this.send(upload, Math.min(left, room - format.headerSize), format);
    }
  }

  send(upload, length, format) {
    const { channel, sent } = upload;
    const flight = this.window.spend(length + format.headerSize, performance.now());
    const read = frame(format, channel, sent, length, this.sourceOf(upload)).catch(() => null);
    upload.sent += length;
    this.reading++;
    this.before = this.sendNext(upload, read, this.before, { channel, flight, window: this.window });
  }

  sourceOf(upload) {
    const { file } = upload;
    if (this.sources.get(upload)?.file !== file) this.sources.set(upload, new Source(file));
    return this.sources.get(upload);
  }

  /** Sends a frame after those before it. */
  async sendNext(upload, read, before, { channel, flight, window }) {
    const bytes = await read;
    await before;
    this.reading--;
    const { uploads } = this;
    if (this.window === window) {
      const isWanted = upload.channel === channel && !upload.isOver;
      if (isWanted && bytes) uploads.live.connection.sendBinary(bytes);
      else window.refund(flight);
      if (isWanted && !bytes) load(() => import("./unreadable.js")).then((module) => module.failed(uploads, upload));
    }
    uploads.pump();
  }
}
