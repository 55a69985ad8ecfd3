// The twin of messages.py and frames.py, where each is described.

export const HEADER_SIZE = 13;
const CHUNK = 1;
export const VERIFIED = 2;

// To the server
export const register = ({ ref, slot, file, path }, holder) => ({
  type: "upload_register",
  slot,
  ref,
  name: file.name,
  size: file.size,
  mime: file.type,
  path,
  holder,
});
export const resume = ({ ref, slot, file, id, written }, holder) => ({
  type: "upload_resume",
  slot,
  ref,
  upload_id: id,
  offset: written,
  size: file.size,
  holder,
});
export const cancel = (ref) => ({ type: "upload_cancel", ref });

/** A frame. The browser reads its payload when it is sent. */
export function chunk(channel, offset, payload) {
  return new Blob([header(CHUNK, channel, offset), payload]);
}

export function header(kind, channel, offset) {
  const header = new DataView(new ArrayBuffer(HEADER_SIZE));
  header.setUint8(0, kind);
  header.setUint32(1, channel);
  header.setBigUint64(5, BigInt(offset));
  return header;
}
