// Uploads that go straight to another storage, with grants from the server. Loaded for the first of them.

import { gettext } from "../liveview/client.js";
import { load } from "../liveview/load.js";
import { once } from "../liveview/once.js";

const TRIES = 10; // of one request before its upload fails
const FIRST_PAUSE = 500; // ms before the first retry; doubled each time
const LONGEST_PAUSE = 30_000;
const AWAY = "storage_unavailable";
const LATER = /^(busy|rate_limited|storage_unavailable)$/; // codes of a permission that is refused for now
const BATCH = 8; // parts signed at a time

/**
 * The functions that send a file, by the `uploader` of its grant. Add your own with `uploaders.set`.
 * Each gets `{ file, grant, progress(bytes), signal, sign(parts) }` and resolves when the storage has the whole file.
 */
export const uploaders = once("uploaders", () => new Map(Object.entries({ put, post, parts })));

/**
 * Sends one file with a grant from the server, for pages that mint grants in a `@server_function`.
 * `sign(parts)` gets it further permissions; one that the server has no time for now is asked again.
 */
export async function send(file, grant, { progress = () => {}, signal = new AbortController().signal, sign } = {}) {
  const uploader = uploaders.get(grant.uploader);
  if (!uploader) throw Object.assign(new Error(`there is no uploader "${grant.uploader}"`), { isFinal: true });
  await uploader({ file, grant, progress, signal, sign: (parts) => granted(sign, parts, signal) });
  signal.throwIfAborted();
}

/** Starts an upload for which the server has sent a grant, unless there is a newer one. */
export function open(uploads, upload, grant) {
  if (upload.grant !== grant) return;
  uploads.external ??= new External(uploads);
  uploads.external.open(upload, grant);
}

/** The direct uploads of a page. */
export class External {
  constructor(uploads) {
    this.uploads = uploads;
    this.jobs = new Map(); // upload → its job
  }

  open(upload, grant) {
    const job = this.jobs.get(upload);
    if (job?.goesOn) job.resumed();
    else {
      job?.stop();
      this.jobs.set(upload, new Job(this.uploads, upload, grant));
    }
    this.pump();
  }

  /** Starts and stops jobs, so that a few of each slot run at a time. */
  pump() {
    const counts = new Map();
    for (const [upload, job] of this.jobs) {
      if (upload.isOver || !this.uploads.uploads.includes(upload)) this.close(upload, job);
      else if (upload.channel >= 0) {
        if (!job.goesOn) this.close(upload, job);
      } else if (!upload.isWanted || this.uploads.forms.standsBack(upload)) job.stop();
      else if (!job.isSent) {
        const count = (counts.get(upload.slot) ?? 0) + 1;
        counts.set(upload.slot, count);
        if (count <= (this.uploads.slots.get(upload.slot)?.max_parallel ?? 1)) job.start();
      }
    }
  }

  received({ type, ref, external }) {
    if (type !== "upload_signed") return;
    for (const job of this.jobs.values()) if (job.upload.ref === ref) job.signed(external);
  }

  close(upload, job) {
    job.stop();
    this.jobs.delete(upload);
  }
}

/**
 * Sends one upload. Stopped and started again, it sends only the parts that are missing. Our own server has no part in
 * that: while it is away, what the storage expects goes on, and whatever needs the server waits.
 */
class Job {
  constructor(uploads, upload, grant) {
    this.uploads = uploads;
    this.upload = upload;
    this.grant = grant;
    this.id = upload.id; // the server's; another one is another upload
    this.bytes = 0; // that are there, or on their way
    this.running = null; // the AbortController that stops it
    this.isSent = false;
    this.answers = []; // requests for signatures that wait for an answer, in order
    this.asked = null; // the terms of the connection on which the first of them was asked
  }

  /** Whether it needn't begin anew with the next connection to the server. */
  get goesOn() {
    const { id, isWanted, written, file } = this.upload;
    return isWanted && id !== "" && id === this.id && (this.isSent ? written >= file.size : this.running !== null);
  }

  /** The server is there again. */
  resumed() {
    const { uploads, upload } = this;
    upload.written = Math.max(upload.written, this.bytes);
    uploads.become(upload, "uploading");
    if (this.isSent) this.done();
    else if (this.answers.length && this.asked !== uploads.terms) this.ask();
  }

  start() {
    if (this.running) return;
    this.running = new AbortController();
    this.run(this.running.signal);
  }

  stop() {
    this.running?.abort();
    this.running = null;
    this.answers = [];
  }

  async run(signal) {
    const { uploads, upload } = this;
    const { ref, file } = upload;
    upload.measuredAt = 0;
    uploads.become(upload, "uploading");
    try {
      // After a reload at the wrong moment, the storage has the whole file and only this message is missing.
      if (upload.written < file.size) await send(file, this.grant, this.context(signal));
      if (signal.aborted) return;
      this.isSent = true;
      this.done();
      uploads.pump();
    } catch (error) {
      if (signal.aborted) return;
      this.stop();
      if (!upload.channel) return; // the network is away as a whole: it is sent again once the server is there
      const hasChanged = error.name === "NotReadableError";
      if (hasChanged || error.isFinal) {
        uploads.live.send({ type: "upload_external_failed", ref, code: hasChanged ? "file_changed" : AWAY });
      } else {
        Object.assign(upload, { code: AWAY, error: gettext("The file can't be stored right now."), keeper: uploads.terms });
        uploads.become(upload, "error"); // what the storage has stays there, for the visitor to go on
      }
    }
  }

  /** Says so, now or when the server is there again. */
  done() {
    if (this.upload.channel) this.uploads.live.send({ type: "upload_external_done", ref: this.upload.ref });
  }

  context(signal) {
    return {
      signal,
      progress: (bytes) => signal.aborted || this.moved(Math.min(bytes, this.upload.file.size)),
      sign: (parts) => this.sign(parts, signal),
    };
  }

  moved(bytes) {
    this.bytes = bytes;
    if (bytes < this.upload.written) this.upload.measuredAt = 0; // what was in flight has to be sent again
    this.uploads.sender?.advance(this.upload, bytes);
    this.uploads.tell(this.upload);
  }

  sign(parts, signal) {
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.answers.push({ parts, resolve });
      if (this.answers.length === 1 && this.upload.channel) this.ask();
    });
  }

  /** Asks for one signature at a time, so that each answer is known to be its own. */
  ask() {
    this.asked = this.uploads.terms;
    this.uploads.live.send({ type: "upload_sign", ref: this.upload.ref, parts: this.answers[0].parts });
  }

  signed(grant) {
    if (this.upload.status === "resuming") {
      this.upload.error = "";
      this.uploads.become(this.upload, "uploading"); // the server could not sign for a while
    }
    this.answers.shift()?.resolve(grant);
    if (this.answers.length) this.ask();
  }
}

// Uploaders

/** In one piece, whose length is signed. */
async function put({ file, grant, progress, signal, sign }) {
  const request = ({ url, headers }) => ({ method: "PUT", url, headers, body: file });
  await persist(request, grant, { blob: file, progress, signal, renew: () => sign([]) });
}

/** As a form, whose fields hold what the server signed. */
async function post({ file, grant, progress, signal, sign }) {
  const request = ({ url, fields }) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    body.append("file", file); // last: the storage ignores fields after it
    return { method: "POST", url, headers: {}, body };
  };
  await persist(request, grant, { blob: file, progress, signal, renew: () => sign([]) });
}

/** In parts, a few at a time. `grant.have` lists those that the storage has, so that none is sent again after a stop. */
async function parts({ file, grant, progress, signal, sign }) {
  const { part_size, parallel, have } = grant;
  const count = Math.ceil(file.size / part_size);
  const waiting = Array.from({ length: count }, (_, i) => i + 1).filter((number) => !have.includes(number));
  const piece = (number) => file.slice((number - 1) * part_size, number * part_size);
  const urls = new Map(Object.entries(grant.urls).map(([number, url]) => [Number(number), url]));
  grant.urls = {}; // each is used once
  const moving = new Map(); // part → bytes of it that have been sent so far
  let signing = Promise.resolve();

  const tell = () => {
    const there = have.reduce((sum, number) => sum + piece(number).size, 0);
    progress([...moving.values()].reduce((sum, bytes) => sum + bytes, there));
  };

  /** The signed URL of a part. If there is none yet, a few of the next parts are signed with it. */
  const permission = async (number) => {
    signing = signing.then(async () => {
      if (urls.has(number)) return;
      const signed = await sign([number, ...waiting.filter((next) => !urls.has(next)).slice(0, BATCH - 1)]);
      for (const [signedNumber, url] of Object.entries(signed.urls)) urls.set(Number(signedNumber), url);
    });
    await signing;
    return { url: urls.get(number) };
  };

  const one = async (number) => {
    const blob = piece(number);
    const moved = (bytes) => {
      moving.set(number, Math.min(bytes, blob.size));
      tell();
    };
    const renew = () => (urls.delete(number), permission(number));
    const request = ({ url }) => ({ method: "PUT", url, headers: {}, body: blob });
    await persist(request, await permission(number), { blob, progress: moved, signal, renew });
    moving.delete(number);
    have.push(number);
    tell();
  };

  const worker = async () => {
    while (waiting.length && !signal.aborted) await one(waiting.shift());
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

// One request

/** Asks until there is an answer: the server's "later" ends nothing. */
async function granted(sign, parts, signal) {
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted();
    try {
      return await sign(parts);
    } catch (error) {
      if (!LATER.test(error.code)) throw error;
    }
    await pause(failures, signal);
  }
}

/**
 * A storage, by its origin. While it fails, one request tries it, and the others wait instead of sending for nothing.
 */
class Storage {
  static all = once("storages", () => new Map());

  static of(url) {
    const { origin } = new URL(url, location.href);
    if (!Storage.all.has(origin)) Storage.all.set(origin, new Storage());
    return Storage.all.get(origin);
  }

  trier = null; // the request that tries it
  waiting = new Set(); // how to tell the others

  /** Resolves when no other request tries it. Rejects with what has made that one give up. */
  async turn(request, signal) {
    signal.throwIfAborted();
    while (this.trier && this.trier !== request) {
      await new Promise((resolve, reject) => {
        this.waiting.add((failure) => (failure ? reject(failure) : resolve()));
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      signal.throwIfAborted();
    }
  }

  /** A request has failed; whether it is the one that tries now. */
  failed(request) {
    this.trier ??= request;
    return this.trier === request;
  }

  /** It has answered somebody. */
  answered() {
    this.trier = null;
    this.tell();
  }

  /** A request has ended, or given up. */
  ended(request, failure) {
    if (this.trier !== request) return;
    this.trier = null;
    this.tell(failure);
  }

  tell(failure) {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const tell of waiting) tell(failure);
  }
}

/** Tries until the storage takes it: again after a failure of network or storage, and once with a fresh permission. */
async function persist(request, permission, { blob, progress, signal, renew }) {
  const { transmit } = await load(() => import("./transmit.js"));
  const { url } = permission;
  const storage = Storage.of(url);
  let renewed = false;
  let givenUp;
  try {
    for (let failures = 0; ; ) {
      await storage.turn(blob, signal);
      const { status } = await transmit(request(permission), (bytes) => progress(bytes), signal);
      signal.throwIfAborted();
      if (!isPassing(status)) storage.answered();
      if (status >= 200 && status < 300) return;
      if (status === 412) return; // the storage has it already: an earlier answer was lost
      progress(0);
      if (status === 403 && !renewed) {
        renewed = true;
        permission = await renew();
        continue;
      }
      const failure = Object.assign(new Error(`the storage answered ${status}`), { isFinal: !isPassing(status) });
      if (failure.isFinal) throw failure;
      await blob.slice(0, 1).arrayBuffer(); // throws if the file has changed on disk, which fails in the same way
      if (!storage.failed(blob)) continue; // another one tries
      do {
        if (++failures >= TRIES) throw (givenUp = failure);
        await pause(failures, signal);
        signal.throwIfAborted();
      } while (status === 0 && !(await answers(url, storage, signal)));
    }
  } finally {
    storage.ended(blob, givenUp);
  }
}

/** Whether the storage answers at all, whatever it answers: asked without a body. */
async function answers(url, storage, signal) {
  try {
    await fetch(url, { method: "HEAD", mode: "no-cors", cache: "no-store", credentials: "omit", signal });
  } catch {
    return false;
  }
  storage.answered();
  return true;
}

function isPassing(status) {
  return status === 0 || status === 408 || status === 429 || status >= 500;
}

/** Exponential backoff with jitter. */
async function pause(failures, signal) {
  if (signal.aborted) return;
  const most = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1));
  await new Promise((resolve) => {
    setTimeout(resolve, most * (0.5 + Math.random() / 2));
    signal.addEventListener("abort", resolve, { once: true });
  });
}
