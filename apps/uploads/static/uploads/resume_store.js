// The parked uploads of this page, interrupted by a reload or a crash. IndexedDB has the ID of each, its offset and,
// where the browser has such a thing, a handle to its file.

import { gettext } from "../liveview/client.js";
import { dom } from "../liveview/dom.js";
import { load } from "../liveview/load.js";
import { make, sync } from "./elements.js";

const DATABASE = "uploads";
const TABLE = "uploads";
const LIFETIME = 7 * 24 * 3_600_000; // ms; a server drops parked uploads sooner, and then the file starts over
const SAVE_EVERY = 2_000; // ms between two records of an upload under way

/** Records: { id, page, slot, name, size, modified, written, at, handle }. */
export class ResumeStore {
  /** @param uploads the page's; its `choose` takes the files to resume */
  static async open(uploads) {
    const store = new ResumeStore(uploads, await load(() => import("./rows.js")));
    store.database = await connect();
    const records = await store.ask("readonly", (table) => table.getAll());
    for (const record of records) {
      if (Date.now() - record.at > LIFETIME) store.erase(record.id);
      else if (record.page === location.pathname) store.records.set(record.id, record);
    }
    const { held = [] } = (await navigator.locks?.query()) ?? {};
    for (const { name } of held) store.inOtherTabs.add(name);
    if (uploads.live.root.querySelector("[dj-upload-restore]")) {
      const { Restore } = await load(() => import("./restore.js"));
      store.restore = await Restore.open(uploads).catch(() => null);
    }
    store.draw();
    return store;
  }

  constructor(uploads, { bytes, percent }) {
    this.uploads = uploads;
    Object.assign(this, { bytes, percent });
    this.records = new Map(); // id → the record of a parked upload
    this.inOtherTabs = new Set(); // ids that another tab is sending: not offered
    this.saved = new Map(); // id → when it was last saved, and what releases its lock
    uploads.live.root.addEventListener("click", (e) => this.clicked(e), true);
  }

  /** The ID of the parked upload of this file, judged by its name, size and date, and how it was resized; or "". */
  find(slot, upload) {
    const { name, size, lastModified: modified } = upload.file;
    const print = JSON.stringify([slot, name, size, modified, upload.prepare?.wish]);
    const isIt = (one) => JSON.stringify([one.slot, one.name, one.size, one.modified, one.wish]) === print;
    const record = [...this.records.values()].find(isIt);
    if (!record) return "";
    upload.remade = record.remade;
    this.records.delete(record.id);
    this.draw();
    return record.id;
  }

  /** Saves the record of an upload that has an ID; while it moves, only now and then. */
  save(upload, isLast) {
    const { id, slot, file, original, wish, written, handle, status } = upload;
    const saved = this.saved.get(id);
    if (saved && !isLast && status === "uploading" && Date.now() - saved.at < SAVE_EVERY) return;
    this.restore?.keep(upload);
    const at = Date.now();
    this.saved.set(id, { at, release: saved?.release ?? lock(id) });
    const { name, size, lastModified: modified } = original ?? file;
    const remade = original && file; // made again, it might be another
    const record = { id, page: location.pathname, slot, name, size, modified, wish, remade, written, at, handle };
    this.ask("readwrite", (table) => table.put(record)).catch(() => this.saveWithoutHandle(record));
  }

  /** Some browsers can't store handles. */
  saveWithoutHandle(record) {
    this.ask("readwrite", (table) => table.put({ ...record, handle: undefined })).catch(() => {});
  }

  forget(id) {
    this.saved.get(id)?.release();
    this.saved.delete(id);
    this.records.delete(id);
    this.erase(id);
  }

  erase(id) {
    this.restore?.drop(id);
    this.ask("readwrite", (table) => table.delete(id)).catch(() => {});
  }

  // On the page

  /** Draws a row for each in `dj-upload-resume="slot"`, from its `<template>` if it has one. */
  draw() {
    for (const element of this.uploads.live.root.querySelectorAll("[dj-upload-resume]")) {
      const name = element.getAttribute("dj-upload-resume");
      const template = element.querySelector(":scope > template");
      const offers = [...this.records.values()].filter(({ id, slot }) => slot === name && !this.inOtherTabs.has(id));
      sync(element, offers.map((record) => ({ ref: record.id, record })), ({ record }) => this.row(record, template), template);
    }
  }

  row({ name, size, written }, template) {
    const element = make(template?.innerHTML.trim() ?? ROW);
    const texts = { name, size: this.bytes(size), progress: this.percent(Math.floor((100 * written) / size)) };
    for (const part of element.querySelectorAll("[data-upload]")) part.textContent = texts[part.dataset.upload] ?? "";
    return element;
  }

  clicked(e) {
    const button = dom(e.target).closest?.("[data-resume]");
    const record = button && this.records.get(button.closest("[data-ref]")?.dataset.ref);
    if (record) {
      if (button.dataset.resume === "forget") this.dismiss(record);
      else this.resume(record);
    } else if (dom(e.target).matches?.("input[type=file][dj-upload]")) this.pick(e);
  }

  dismiss(record) {
    this.forget(record.id);
    this.draw();
  }

  /** Resumes at once with the file's handle; without one, the visitor is asked for the file. */
  async resume(record) {
    const input = this.uploads.live.root.querySelector(`[dj-upload="${record.slot}"]`);
    try {
      if ((await record.handle?.requestPermission?.({ mode: "read" })) === "denied") throw new Error("denied");
      const file = await record.handle.getFile();
      this.uploads.choose(record.slot, [{ file, path: null, handle: record.handle }], null, true);
    } catch {
      input?.click();
    }
  }

  /** An input's own picker gives no handles: `showOpenFilePicker` is used instead where there is one. */
  async pick(e) {
    const name = e.target.getAttribute("dj-upload");
    const slot = this.uploads.slots.get(name);
    if (!slot?.resumable || !window.showOpenFilePicker || e.target.webkitdirectory) return;
    e.preventDefault();
    const extensions = slot.accept.split(",").filter((part) => part.startsWith("."));
    const types = extensions.length ? [{ accept: { "application/octet-stream": extensions } }] : [];
    try {
      const handles = await window.showOpenFilePicker({ multiple: slot.max_entries > 1, types });
      const files = await Promise.all(handles.map(async (handle) => ({ file: await handle.getFile(), path: null, handle })));
      this.uploads.choose(name, files, e.target);
    } catch (error) {
      if (error.name !== "AbortError") throw error; // the visitor closed the picker
    }
  }

  ask(mode, act) {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(TABLE, mode);
      const request = act(transaction.objectStore(TABLE));
      transaction.commit(); // at once: the page may be about to unload
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }
}

function connect() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Shows other tabs that this one is sending it, until the returned function is called or the tab is closed. */
function lock(id) {
  let release = () => {};
  navigator.locks?.request(id, { ifAvailable: true }, () => new Promise((resolve) => (release = resolve)));
  return () => release();
}

const ROW = `<div class="upload-offer"><bdi class="upload-name" data-upload="name"></bdi>
<button type="button" data-resume="go">${gettext("Resume")}</button> <button type="button" data-resume="forget">${gettext("Forget")}</button></div>`;
