// tus 1.0 as far as a page needs it: create, append, after a lost connection ask where to resume, and terminate. (/tus/)
import { gettext } from "../liveview/gettext.js";
import { pause, request } from "./request.js";

const ENDPOINT = "/tus/received/";
const PIECE = 4 * 1024 * 1024; // bytes of a PATCH
const PATIENCE = [0, 0.5, 1, 2, 4]; // seconds before each new try
const TUS = { "Tus-Resumable": "1.0.0" };

/** @type {import("./request.js").Way} */
export async function send(file, tell, signal) {
  const url = await create(file, signal);
  signal.addEventListener("abort", () => terminate(url), { once: true });
  let offset = 0;
  for (let tries = 0; offset < file.size; ) {
    try {
      offset = await append(url, file, offset, tell, signal);
      tries = 0;
    } catch (error) {
      if (error.isFinal || signal.aborted || tries === PATIENCE.length) throw error;
      await pause(PATIENCE[tries++], signal);
      offset = await ask(url, signal).catch(() => offset);
    }
  }
  return { success: true, said: url };
}

/** Stopped, the upload won't be gone on with: the server needn't keep what it has. */
function terminate(url) {
  request("DELETE", url, { headers: TUS }).catch(() => {}); // if that is lost as well, it expires by itself
}

async function create(file, signal) {
  const name = `filename ${base64(file.name)}`;
  const type = file.type ? `,filetype ${base64(file.type)}` : "";
  const headers = { ...TUS, "Upload-Length": String(file.size), "Upload-Metadata": name + type };
  const answer = await request("POST", ENDPOINT, { headers, signal });
  expect(answer, 201);
  return ENDPOINT + answer.getResponseHeader("Location"); // which is relative to it
}

async function append(url, file, offset, tell, signal) {
  const answer = await request("PATCH", url, {
    headers: { ...TUS, "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" },
    body: file.slice(offset, offset + PIECE),
    sent: (bytes) => tell(offset + bytes, file.size),
    signal,
  });
  expect(answer, 204);
  return Number(answer.getResponseHeader("Upload-Offset"));
}

async function ask(url, signal) {
  const answer = await request("HEAD", url, { headers: TUS, signal });
  expect(answer, 200);
  return Number(answer.getResponseHeader("Upload-Offset"));
}

/** Throws for any other status; it is final unless it says that the upload is busy or the server has a problem. */
function expect(answer, status) {
  if (answer.status === status) return;
  let message = gettext("The server answered with %(status)s.", answer);
  try {
    message = JSON.parse(answer.responseText).message ?? message;
  } catch {
    // no JSON: the status has to do
  }
  const isFinal = answer.status < 500 && answer.status !== 409 && answer.status !== 423;
  throw Object.assign(new Error(message), { isFinal });
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
