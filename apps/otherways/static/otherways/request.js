// One HTTP request whose sending can be watched, which fetch() can't do.
import { gettext } from "../liveview/gettext.js";

/**
 * Sends a file and says how far it is; what it resolves to has a `fileGuid`, or something else that the server `said`.
 * @typedef {(file: File, tell: (bytes: number, total: number) => void, signal: AbortSignal)
 *   => Promise<{fileGuid?: string, said?: string}>} Way
 */

const LATER = [429, 503]; // statuses of what the server has no time for now; `Retry-After` says when it may

/**
 * @param {string} method
 * @param {string} url
 * @param {{body?: any, headers?: Record<string, string>, sent?: (bytes: number) => void, signal?: AbortSignal}} options
 * @returns {Promise<XMLHttpRequest>} also for answers that are errors; it fails only where there is no answer
 */
export async function request(method, url, options = {}) {
  for (;;) {
    const xhr = await once(method, url, options);
    const seconds = xhr.getResponseHeader("Retry-After");
    if (!LATER.includes(xhr.status) || !seconds) return xhr;
    options.sent?.(0);
    await pause(Number(seconds) || 5, options.signal);
  }
}

/** @param {AbortSignal} [signal] ends it by throwing */
export async function pause(seconds, signal) {
  if (signal?.aborted) throw stopped();
  await new Promise((resolve, reject) => {
    setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => reject(stopped()), { once: true });
  });
}

const stopped = () => new DOMException("Stopped.", "AbortError");

async function once(method, url, { body = null, headers = {}, sent = () => {}, signal }) {
  if (signal?.aborted) throw stopped();
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open(method, url);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = (event) => sent(event.loaded);
    xhr.onload = () => resolve(xhr);
    xhr.onerror = () => reject(new Error(gettext("The connection was lost.")));
    xhr.onabort = () => reject(stopped());
    signal?.addEventListener("abort", () => xhr.abort(), { once: true });
    xhr.send(body);
  });
}

/** The answer's JSON. Throws an error with the server's own sentence if it says that something is wrong. */
export function read(xhr) {
  let content = null;
  try {
    content = JSON.parse(xhr.responseText || "{}");
  } catch {
    throw new Error(gettext("The server answered with %(status)s.", xhr));
  }
  if (xhr.status >= 400) throw new Error(content?.message || gettext("The server answered with %(status)s.", xhr));
  return content;
}
