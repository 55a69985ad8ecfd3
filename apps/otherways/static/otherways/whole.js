// The whole file in one form, with the JSON of the seeds as the answer. (/api/upload)
import { read, request } from "./request.js";

/** @type {import("./request.js").Way} */
export async function send(file, tell, signal) {
  const form = new FormData();
  form.append("file", file);
  const sent = (bytes) => tell(Math.min(bytes, file.size), file.size);
  return read(await request("POST", "/api/upload", { body: form, sent, signal }));
}
