// Numbered chunks, three at a time and in any order. (/api/upload-chunk)
import { read, request } from "./request.js";

const SIZE = 2 * 1024 * 1024;
const PARALLEL = 3;

/** @type {import("./request.js").Way} */
export async function send(file, tell, signal) {
  const count = Math.max(1, Math.ceil(file.size / SIZE));
  const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  const sent = new Array(count).fill(0);
  let next = 0;
  let done = null;

  async function work() {
    while (next < count) {
      const index = next++;
      const answer = await chunk(index);
      if (answer.fileGuid) done = answer;
    }
  }

  async function chunk(index) {
    const headers = {
      "Content-Type": "application/octet-stream",
      "X-Upload-Id": id,
      "X-Chunk-Index": String(index),
      "X-Chunk-Count": String(count),
      "X-File-Name": encodeURIComponent(file.name),
      "X-File-Size": String(file.size),
    };
    const body = file.slice(index * SIZE, (index + 1) * SIZE);
    const watch = (bytes) => {
      sent[index] = bytes;
      tell(sent.reduce((sum, part) => sum + part, 0), file.size);
    };
    return read(await request("POST", "/api/upload-chunk", { body, headers, sent: watch, signal }));
  }

  await Promise.all(Array.from({ length: PARALLEL }, work));
  return done;
}
