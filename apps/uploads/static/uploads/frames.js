// The twin of frames.py, where each is described, and what reads a file into them. Loaded with the first file.

const HEADER_SIZE = 13;
const DIGEST_SIZE = 32;
const STRETCH = 64 * 1024 * 1024; // bytes of one stream; browsers look whether a file has changed when they open it

/** A kind of frame; `headerSize` is the bytes before its payload. */
export const PLAIN = { kind: 1, headerSize: HEADER_SIZE, async seal() {} };

export const VERIFIED = {
  kind: 2,
  headerSize: HEADER_SIZE + DIGEST_SIZE,

  async seal(bytes) {
    const digest = await crypto.subtle.digest("SHA-256", bytes.subarray(this.headerSize));
    bytes.set(new Uint8Array(digest), HEADER_SIZE);
  },
};

/** Rejects if the file can't be read, or a digest can't be made on this page. */
export async function frame(format, channel, offset, length, source) {
  const bytes = new ArrayBuffer(format.headerSize + length);
  const header = new DataView(bytes);
  header.setUint8(0, format.kind);
  header.setUint32(1, channel);
  header.setBigUint64(5, BigInt(offset));
  const filled = await source.fill(bytes, format.headerSize, offset);
  await format.seal(new Uint8Array(filled));
  return filled;
}

/** A file that is read from one offset to the next as one stream: each slice of it would be a call to another process. */
export class Source {
  constructor(file) {
    this.file = file;
    this.reader = null;
    this.at = this.openedAt = -1; // where the reader is, and where it began
    this.last = Promise.resolve();
  }

  /** Fills a buffer from `start` on, in the order of the calls. The buffer is lost; resolves to what has its bytes. */
  fill(bytes, start, offset) {
    const filled = this.last.then(() => this.read(bytes, start, offset));
    this.last = filled.catch(() => (this.at = -1));
    return filled;
  }

  async read(bytes, start, offset) {
    if (this.at !== offset) this.open(offset);
    while (start < bytes.byteLength) {
      const { value, done } = await this.reader.read(new Uint8Array(bytes, start));
      bytes = value.buffer;
      start += value.byteLength;
      this.at += value.byteLength;
      if (!done) continue;
      if (this.at === this.openedAt) throw new Error("the file is shorter than it was");
      this.open(this.at);
    }
    if (this.at === this.file.size) await this.file.slice(0, 1).arrayBuffer(); // it is still what it was
    return bytes;
  }

  open(offset) {
    this.reader?.cancel().catch(() => {});
    this.at = this.openedAt = offset;
    const next = this.file.slice(offset, offset + STRETCH);
    try {
      this.reader = next.stream().getReader({ mode: "byob" });
    } catch {
      this.reader = new Slices(next);
    }
  }
}

/** Does it by slices, for browsers whose files aren't streams of bytes. */
class Slices {
  constructor(file) {
    Object.assign(this, { file, at: 0 });
  }

  async read(into) {
    const slice = await this.file.slice(this.at, this.at + into.length).arrayBuffer();
    into.set(new Uint8Array(slice));
    this.at += slice.byteLength;
    return { value: into.subarray(0, slice.byteLength), done: !slice.byteLength };
  }

  async cancel() {}
}
