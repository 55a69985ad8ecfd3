// A form, and a poll that asks how far it is: the server counts, the browser asks. (/upload, /get_upload_progress)
import { read, request } from "./request.js";

const EVERY = 600; // ms between two polls

/** @type {import("./request.js").Way} */
export async function send(file, tell, signal) {
  const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  const form = new FormData();
  form.append("X-Progress-ID", id);
  form.append("picture", file);
  let isOver = false; // a poll's answer may come after the form's own
  const poll = setInterval(() => ask(id, (bytes, total) => isOver || tell(bytes, total)), EVERY);
  try {
    return read(await request("POST", `/upload?X-Progress-ID=${id}`, { body: form, signal }));
  } finally {
    isOver = true;
    clearInterval(poll);
  }
}

async function ask(id, tell) {
  const answer = await fetch(`/get_upload_progress?X-Progress-ID=${id}`);
  const progress = answer.ok ? await answer.json() : null; // null: done, or not begun
  if (progress) tell(progress.uploaded, progress.length);
}
