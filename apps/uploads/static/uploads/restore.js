// dj-upload-restore: small files are kept by the browser until they have arrived, so that after a reload they go on by
// themselves. Loaded by the store of what can be resumed, on pages that have such an element.

import { dom } from "../liveview/dom.js";

const DATABASE = "upload-files"; // id of an upload → { file, visitor, at }
const TABLE = "files";
const LARGEST = 10_000_000; // bytes of a file
const MOST = 200_000_000; // bytes of all
const AFTER = 500; // ms; what has arrived by then isn't written to the disk
const LIFETIME = 24 * 3_600_000; // ms

export class Restore {
  static async open(uploads) {
    const restore = new Restore(uploads);
    restore.database = await connect();
    return restore;
  }

  constructor(uploads) {
    this.uploads = uploads;
    this.kept = new Map(); // id → bytes
    this.last = Promise.resolve(); // one file is written after the other
  }

  /** Whom the files of a slot belong to: the value of its element; nothing without one. */
  visitorOf(slot) {
    const element = this.uploads.live.root.querySelector(`[dj-upload-restore][dj-upload-resume="${slot}"]`);
    return element && dom(element).getAttribute("dj-upload-restore");
  }

  keep(upload) {
    const visitor = this.visitorOf(upload.slot);
    if (!visitor || this.kept.has(upload.id) || upload.file.size > LARGEST) return;
    this.kept.set(upload.id, 0);
    setTimeout(() => (this.last = this.last.then(() => this.write(upload, upload.id, visitor)).catch(() => {})), AFTER);
  }

  async write(upload, id, visitor) {
    const { file, original } = upload;
    const all = [...this.kept.values()].reduce((sum, size) => sum + size, 0);
    if (upload.isOver || !this.kept.has(id) || all + file.size > MOST) return;
    this.kept.set(id, file.size);
    await this.ask("readwrite", (table) => table.put({ file: original ?? file, visitor, at: Date.now() }, id));
    if (!this.kept.has(id)) this.drop(id); // it has arrived meanwhile
  }

  drop(id) {
    this.kept.delete(id);
    this.ask("readwrite", (table) => table.delete(id)).catch(() => {});
  }

  /** Chooses what the last page had, and forgets the files that nobody will ask for. @param records of this page */
  async start(records, inOtherTabs) {
    const found = [];
    for (const id of await this.ask("readonly", (table) => table.getAllKeys())) {
      const kept = await this.ask("readonly", (table) => table.get(id));
      const slot = records.get(id)?.slot;
      if (Date.now() - kept.at > LIFETIME) this.drop(id);
      else if (slot && !inOtherTabs.has(id) && kept.visitor === this.visitorOf(slot)) found.push({ id, slot, ...kept });
    }
    found.sort((one, other) => one.at - other.at);
    for (const { id, slot, file } of found) {
      this.kept.set(id, file.size);
      this.uploads.choose(slot, [{ file, path: null, isRestored: true }]);
    }
  }

  ask(mode, act) {
    return new Promise((resolve, reject) => {
      const request = act(this.database.transaction(TABLE, mode).objectStore(TABLE));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }
}

function connect() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
