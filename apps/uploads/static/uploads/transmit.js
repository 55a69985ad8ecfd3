// One request with a body. XMLHttpRequest sends it, because fetch doesn't report how much has been sent.

const STALLED = 60_000; // ms without progress before the request is aborted

/**
 * Sends a request. Resolves when it has ended, however it ended; `status` is 0 if there was no answer.
 * @param {{ method: string, url: string, headers: Record<string, string>, body: Blob | FormData }} request
 * @param {(loaded: number, total: number) => void} progress bytes of the body that have been sent, and all of them
 * @param {AbortSignal} signal aborts the request; there is no progress after that
 * @returns {Promise<{ status: number, text: string }>}
 */
export function transmit({ method, url, headers, body }, progress, signal) {
  return new Promise((resolve) => {
    const xhr = new XMLHttpRequest();
    const stop = () => xhr.abort();
    let watchdog = 0;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(stop, STALLED);
    };
    xhr.open(method, url);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = ({ loaded, total }) => {
      alive();
      if (!signal.aborted) progress(loaded, total);
    };
    xhr.onloadend = () => {
      clearTimeout(watchdog);
      signal.removeEventListener("abort", stop);
      resolve({ status: xhr.status, text: xhr.responseText });
    };
    signal.addEventListener("abort", stop);
    alive();
    xhr.send(body);
  });
}
