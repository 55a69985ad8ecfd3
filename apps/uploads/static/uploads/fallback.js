// Uploads where no WebSocket gets through: the same messages and the same rows, in requests to the page's own URL.
// Loaded when the connection has failed. To the page, each is an upload to another storage; see external.js.

import { gettext } from "../liveview/client.js";
import { document, dom } from "../liveview/dom.js";
import { goesElsewhere, resubmit } from "../liveview/form.js";
import { load } from "../liveview/load.js";
import { once } from "../liveview/once.js";
import { pending } from "../liveview/pending.js";
import { status } from "../liveview/status.js";

const SAYS = gettext("Live updates can't get through on this network. Uploads still work.");
const LOST = gettext("That didn't get through. Check your connection and try again.");
const ROOT = "live-fallback"; // class of the root element, for styles
const SMALLEST_CHUNK = 64 * 1024; // bytes
const FIRST_CHUNK = 256 * 1024;
const CHUNK_TIME = 1_000; // ms a chunk should take
const LONGEST_PAUSE = 10_000; // ms between two tries, at most
const RETRYABLE = new Set([0, 408, 423, 429, 502, 503, 504]); // statuses of temporary failures; 0: no answer
const UNREAD = new Set(["busy", "rate_limited"]); // why the server hasn't looked at a form yet

const page = once("fallback", () => ({ fallback: null })); // while there is no socket

/** Called when the connection has failed. */
export async function start(uploads) {
  // All now, because it is needed when the network fails.
  const needed = [
    load(() => import("../liveview/flash.js")),
    load(() => import("./external.js")),
    load(() => import("./transmit.js")),
    load(() => import("./unreadable.js")),
  ];
  const tools = Object.assign({}, ...(await Promise.all(needed)));
  if (page.fallback || !uploads.live.isFailed) return;
  page.fallback = new Fallback(uploads, tools);
  await page.fallback.begin();
}

class Fallback {
  /** @param tools what this uses of other modules */
  constructor(uploads, tools) {
    this.uploads = uploads;
    this.tools = tools;
    this.live = uploads.live;
    this.refusals = new Map(); // ref → why the server refused it
    this.ids = new Map(); // ref → the server's id
    this.consuming = new Set(); // requests in which files may be consumed
    this.stopping = new AbortController();
  }

  async begin() {
    const { uploads, live } = this;
    const { signal } = this.stopping;
    const receive = uploads.received;
    const early = []; // messages from a socket
    uploads.received = (message) => early.push(message) === 1 && this.giveWay(early);
    this.receive = (message) => {
      if (message.type === "upload_consumed") uploads.forms?.cancelBehind(uploads.find(message.ref)); // ready is not said
      receive.call(uploads, message);
    };
    this.config = this.persist(() => this.ask("config", null), signal).catch(() => null);
    addEventListener("submit", (e) => this.submitted(e), { capture: true, signal });
    const config = await this.config;
    if (!config || signal.aborted) return;
    this.token = config.csrf_token;
    this.maxChunk = config.max_chunk;
    addEventListener("formdata", (e) => this.claim(e.target, e.formData), { signal }); // of forms that others send
    this.tools.uploaders.set("chunks", (job) => this.send(job));
    uploads.live = Object.create(live, { send: { value: (message) => this.handle(message) } });
    document.documentElement.classList.add(ROOT);
    remember("1");
    this.drawErrors();
    status.texts.failed = SAYS;
    status.show("failed");
    this.receive({ type: "upload_config", slots: config.slots, credit: 0, max_frame: FIRST_CHUNK });
  }

  /** Where the page leaves errors to the server's template, nothing renders them now: they are drawn here. */
  drawErrors() {
    const { view } = this.uploads;
    const { all } = view;
    view.all = (directive, name) => {
      const found = [...all.call(view, directive, name)];
      return directive === "dj-upload-errors" ? found.filter((element) => !element.getClientRects().length) : found;
    };
  }

  /** A socket has its first message for the uploads: they continue there, once nothing is being consumed here. */
  async giveWay(early) {
    await Promise.race([Promise.allSettled(this.consuming), pause(LONGEST_PAUSE, this.stopping.signal)]);
    this.stop();
    for (const message of early) this.receive(message);
  }

  stop() {
    const { uploads, live } = this;
    page.fallback = null;
    this.stopping.abort();
    delete uploads.received;
    delete uploads.view.all;
    uploads.live = live;
    remember("");
    document.documentElement.classList.remove(ROOT);
    uploads.disconnected(); // aborts the requests; the socket's first message registers unfinished uploads again
    for (const upload of uploads.uploads) if (!upload.id) this.discard(upload.ref);
  }

  /** Handles a message that would go to the socket. */
  handle(message) {
    const { ref } = message;
    if (message.type === "upload_cancel") this.discard(ref);
    else if (message.type === "upload_external_done") this.finish(ref);
    else if (message.type === "upload_external_failed") this.fail(ref, message.code);
    else this.tell(message);
  }

  /** Sends a message until there is an answer, and passes that on as if it came from the socket. */
  async tell(message) {
    const { ref } = message;
    const { signal } = this.stopping;
    try {
      const answer = await this.persist(() => this.ask("message", message), signal);
      if (signal.aborted) return this.discardLate(answer.messages);
      for (const each of answer.messages) {
        if (each.upload_id) this.ids.set(each.ref, each.upload_id);
        if (each.upload_id && !this.uploads.find(ref)) this.discard(ref); // cancelled meanwhile
        else this.receive(each);
      }
      this.show(answer);
    } catch (refused) {
      if (!signal.aborted) this.receive({ type: "upload_error", ref, code: refused.code, message: refused.message });
    }
  }

  finish(ref) {
    this.track(this.tell({ type: "upload_done", ref, upload_id: this.ids.get(ref) }));
  }

  track(request) {
    this.consuming.add(request);
    return request.finally(() => this.consuming.delete(request));
  }

  /** The answer came after a socket took over and registered another upload of the same file: this one is discarded. */
  discardLate(answers) {
    for (const { ref, upload_id, accepted } of answers) {
      if (!upload_id || accepted) continue;
      this.ids.set(ref, upload_id);
      this.discard(ref);
    }
  }

  fail(ref, code) {
    const { code: reason = code, message = LOST } = this.refusals.get(ref) ?? {};
    const upload = this.uploads.find(ref);
    if (code === "file_changed" && upload) return this.tools.fail(this.uploads, upload);
    this.discard(ref);
    this.receive({ type: "upload_error", ref, code: reason, message });
  }

  /** Tells the server to discard an upload now, rather than when it expires. */
  discard(ref) {
    const id = this.ids.get(ref);
    this.ids.delete(ref);
    const cancel = { type: "upload_cancel", ref, upload_id: id };
    if (id) this.persist(() => this.ask("message", cancel), new AbortController().signal).catch(() => {});
  }

  // Bytes

  /** An uploader for external.js. A chunk that was cut off is sent again; each answer has the next offset. */
  async send({ file, grant, progress, signal }) {
    const upload = this.uploads.uploads.find(({ ref }) => this.ids.get(ref) === grant.upload_id);
    let size = FIRST_CHUNK;
    while (grant.offset < file.size) {
      const blob = file.slice(grant.offset, grant.offset + Math.min(size, this.maxChunk));
      const began = performance.now();
      const again = async () => {
        this.uploads.become(upload, "resuming");
        await blob.slice(0, 1).arrayBuffer(); // throws if the file has changed on disk, which fails in the same way
      };
      const moved = (bytes) => {
        if (bytes && upload.status === "resuming") this.uploads.become(upload, "uploading");
        progress(grant.offset + bytes);
      };
      try {
        const answer = await this.persist(() => this.chunk(grant, blob, moved, signal), signal, again);
        grant.offset = answer.offset;
      } catch (refused) {
        if (refused.status) this.refusals.set(upload.ref, refused);
        throw Object.assign(refused, { isFinal: true });
      }
      if (upload.status === "resuming") this.uploads.become(upload, "uploading");
      progress(grant.offset);
      const took = performance.now() - began;
      if (took < CHUNK_TIME / 2) size = Math.min(size * 2, this.maxChunk);
      else if (took > CHUNK_TIME * 2) size = Math.max(size / 2, SMALLEST_CHUNK);
    }
  }

  async chunk({ upload_id, offset }, blob, moved, signal) {
    const headers = {
      ...this.headers("chunk"),
      "X-Upload-Id": upload_id,
      "Upload-Offset": String(offset),
      "Content-Type": "application/offset+octet-stream",
    };
    // The last byte counts once the server has confirmed it.
    const progress = (loaded, total) => loaded < total && moved(Math.min(loaded, blob.size));
    const { status, text } = await this.tools.transmit({ method: "POST", url: address(), headers, body: blob }, progress, signal);
    const answer = json(text);
    if (!Number.isInteger(answer?.offset)) throw failure(status, answer);
    return answer;
  }

  // Forms

  /** Sends a form as the browser would, but without its files: the server has them already. */
  async submitted(e) {
    const form = e.target;
    const { submitter } = e;
    const isLeft = e.defaultPrevented || form === this.native || goesElsewhere(submitter);
    if (isLeft || !dom(form).matches("[dj-submit][method=post]")) return;
    e.preventDefault();
    const busy = pending.some(({ kind, element }) => kind && element === form);
    const question = submitter?.getAttribute("dj-confirm") ?? dom(form).getAttribute("dj-confirm");
    if (busy || (question && !confirm(question))) return;
    const body = new FormData(form, submitter);
    const event = dom(form).getAttribute("dj-submit");
    const done = pending.start(form, event, "submit");
    // A button with an event of its own needs no files, like one with dj-click.
    const needsFiles = !body.has("_event") || body.get("_event") === event;
    let isOurs = true;
    try {
      if (!(await this.config)) isOurs = false;
      else if (!needsFiles || (await this.uploads.readyToSubmit(form))) {
        isOurs = !this.stopping.signal.aborted; // otherwise a socket has taken over
        if (isOurs) await this.track(this.post(form, body, needsFiles));
      }
    } finally {
      done();
    }
    if (!isOurs) resubmit(this, form, submitter); // to the socket, or to the browser if the page takes no uploads
  }

  async post(form, body, needsFiles) {
    for (const name of this.names(form)) body.delete(name);
    if (needsFiles) this.claim(form, body);
    else body.delete("_upload");
    if (dom(form).hasAttribute("dj-upload-skip")) body.append("_upload_skip", "1");
    try {
      const { signal } = this.stopping;
      const ask = () => this.ask("form", body, dom(form).action);
      const answer = await this.persist(ask, signal, () => {}, ({ code }) => UNREAD.has(code));
      for (const message of answer.messages) this.receive(message);
      this.show(answer);
    } catch (refused) {
      this.tools.flash("error", refused.message);
    }
  }

  /** Puts the names of uploads in the place of their files, so that no form sends again what the server has. */
  claim(form, body) {
    const claimed = this.uploads.of(form).filter(({ ref, status }) => status === "complete" && this.ids.has(ref));
    const sent = new Set(claimed.map(({ file }) => file));
    for (const name of this.names(form)) {
      const files = body.getAll(name);
      body.delete(name);
      for (const file of files) if (!sent.has(file)) body.append(name, file);
    }
    body.delete("_upload");
    for (const { ref } of claimed) body.append("_upload", `${this.ids.get(ref)} ${ref}`);
  }

  /** The names of a form's inputs whose files are ours. */
  names(form) {
    const inputs = Array.from(this.live.root.querySelectorAll("input[dj-upload][name]"));
    return new Set(inputs.filter((input) => input.form === form).map(({ name }) => name));
  }

  /** Shows the page in an answer, or follows its redirect. */
  show({ page, redirect, url }) {
    const { live } = this;
    if (redirect) {
      live.isLeaving = true;
      location.assign(redirect);
    } else if (page) {
      if (url) history.replaceState(null, "", url);
      const made = new DOMParser().parseFromString(page, "text/html");
      document.title = made.title || document.title;
      live.show(live.version, made.querySelector("[data-live-socket]").innerHTML);
    }
  }

  // Requests

  headers(kind) {
    return { "X-Upload": kind, "X-CSRFToken": this.token ?? "" };
  }

  async ask(kind, content, url = address()) {
    const headers = this.headers(kind);
    const method = kind === "config" ? "GET" : "POST";
    const body = kind === "message" ? JSON.stringify(content) : content;
    if (kind === "message") headers["Content-Type"] = "application/json";
    const response = await fetch(url, { method, headers, body, keepalive: content?.type === "upload_cancel" }).catch(() => {
      throw failure(0);
    });
    const answer = json(await response.text());
    if (!response.ok || !answer) throw failure(response.status, answer);
    return answer;
  }

  /** Retries a request while its failures are temporary. `again` runs before each retry, and ends them by throwing. */
  async persist(request, signal, again = () => {}, isPassing = ({ status }) => RETRYABLE.has(status)) {
    for (let tries = 0; ; tries++) {
      signal.throwIfAborted();
      try {
        return await request();
      } catch (error) {
        signal.throwIfAborted();
        if (!isPassing(error)) throw error;
      }
      await again();
      await pause(Math.min(LONGEST_PAUSE, 250 * 2 ** tries), signal);
    }
  }
}

/** So that the next page of this tab doesn't wait long for a socket. */
function remember(failed) {
  try {
    sessionStorage.liveFailed = failed;
  } catch {
    // Storage is blocked.
  }
}

const address = () => location.pathname + location.search;

function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // an error page
  }
}

/** The error of a failed request, with the server's message if there is one for visitors. */
function failure(status, answer) {
  const code = answer?.error ?? (status ? "server_error" : "");
  const isStale = status === 403 || status === 401;
  const message = answer?.message ?? (isStale ? gettext("This page has expired. Reload it and try again.") : LOST);
  return Object.assign(new Error(message), { status, code });
}

/** With jitter, so that waiting pages don't all come back at once. Ends early when the browser is online again. */
async function pause(most, signal) {
  if (signal.aborted) return;
  await new Promise((resolve) => {
    setTimeout(resolve, most * (0.5 + Math.random() / 2));
    signal.addEventListener("abort", resolve, { once: true });
    addEventListener("online", resolve, { once: true });
  });
}
