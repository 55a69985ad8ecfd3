// Chunks that carry the SHA-256 of their payload, for slots with verify=True.

import { load } from "../liveview/load.js";
import { HEADER_SIZE, VERIFIED, header } from "./messages.js";

const DIGEST_SIZE = 32;

/** Sends the chunks of one upload: several are hashed at the same time, and all are sent in order. */
export class DigestSender {
  constructor(uploads) {
    this.uploads = uploads;
    this.headerSize = HEADER_SIZE + DIGEST_SIZE;
    this.before = Promise.resolve();
  }

  send(sender, upload, payload) {
    const { window } = sender;
    const start = header(VERIFIED, upload.channel, upload.sent);
    const hashing = payload.arrayBuffer().then((bytes) => crypto.subtle.digest("SHA-256", bytes));
    this.before = Promise.all([hashing, this.before])
      .then(([digest]) => sender.window === window && sender.connection.sendBinary(new Blob([start, digest, payload])))
      .catch(() => this.fail(upload));
  }

  async fail(upload) {
    const { fail } = await load(() => import("./unreadable.js"));
    if (upload.isOver) return;
    if (crypto.subtle) fail(this.uploads, upload);
    else fail(this.uploads, upload, "insecure", "Files can't be verified on this page because it isn't served over HTTPS.");
  }
}
