// A bare WebSocket: pieces of the file go out, the server says how many bytes it has. (/ws/upload/)
import { pause } from "./request.js";

import { gettext } from "../liveview/gettext.js";

const PIECE = 64 * 1024;
const AHEAD = 1024 * 1024; // bytes on their way before we wait: this socket has no flow control of its own

const LATER = ["busy", "rate_limited", "storage_unavailable"]; // codes of what may work a little later
const PAUSE = 5; // seconds

/** Nothing is left of a file that was broken off: it begins again. @type {import("./request.js").Way} */
export async function send(file, tell, signal) {
  for (;;) {
    try {
      return await once(file, tell, signal);
    } catch (error) {
      if (!LATER.includes(error.code)) throw error;
    }
    tell(0, file.size);
    await pause(PAUSE, signal);
  }
}

function once(file, tell, signal) {
  return new Promise((resolve, reject) => {
    const query = new URLSearchParams({ name: file.name, size: String(file.size) });
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws/upload/?${query}`);
    let sent = 0;
    let received = 0;

    function more() {
      while (sent < file.size && sent - received < AHEAD && socket.readyState === WebSocket.OPEN) {
        socket.send(file.slice(sent, sent + PIECE));
        sent += PIECE;
      }
    }

    function fail(error) {
      reject(error);
      socket.close();
    }

    socket.onopen = () => (file.size ? more() : socket.send(new Blob()));
    socket.onmessage = ({ data }) => {
      if (data === "File uploaded successfully!") {
        resolve({ success: true, said: data });
        socket.close();
        return;
      }
      const message = JSON.parse(data);
      if (message.error) return fail(Object.assign(new Error(message.message), { code: message.error }));
      received = message.received;
      tell(received, message.size);
      more();
    };
    socket.onclose = () => reject(new Error(gettext("The connection was lost.")));
    signal.addEventListener("abort", () => fail(new DOMException("Stopped.", "AbortError")), { once: true });
  });
}
