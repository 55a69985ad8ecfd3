// The uploads of a live page.

import { live } from "../liveview/client.js";
import { dom } from "../liveview/dom.js";
import { load } from "../liveview/load.js";
import { once } from "../liveview/once.js";
import { listen } from "./drop.js";
import * as messages from "./messages.js";
import { Upload, page } from "./upload.js";
import { BUTTONS, View, keep } from "./view.js";

const PASSING = /^(busy|rate_limited|storage_full|storage_unavailable)$/; // errors whose uploads are retried
const EVERY = 100; // ms between two drawings

class Uploads {
  constructor(live) {
    this.live = live;
    this.slots = new Map(); // name → its configuration
    this.isReady = false; // are the slots known?
    this.early = []; // chosen before their slot was ready, and the forms reset since
    this.resuming = this.external = null; // loaded when needed
    this.uploads = []; // in the order chosen
    this.sender = this.forms = null; // loaded when needed
    this.terms = null; // what this socket lets us send
    this.view = new View(live.root, () => this.redraw());
    this.waiters = new Set(); // checked after each change
    this.active = () => this.sending();
    listen(live.root, this);
    live.root.addEventListener("click", (e) => this.clicked(e));
    live.root.addEventListener("click", (e) => this.early.length && !this.forms && this.hold(e), true);
    addEventListener("reset", (e) => e.defaultPrevented || this.early.forEach((early) => early.push(e.target)));
  }

  /** @param giver the input or zone that got the files */
  choose(name, files, giver, isWanted, isEarly) {
    const slot = this.slots.get(name);
    if (!isEarly && this.forms?.isDisabled(name, giver)) return;
    if (!this.forms || !this.isReady || (slot?.resumable && !this.resuming)) {
      this.early.push([name, files, giver, isWanted, true]);
      this.forms?.mirror(name);
      return void (isEarly || this.chooseEarly());
    }
    files = this.forms.added(name, files, giver);
    if (slot?.max_entries === 1) this.remove((other) => other.slot === name && other.hasFailed);
    const form = this.forms.formFor(name, giver);
    const uploads = this.forms.judged(name, files, giver).map((chosen) => new Upload(name, { form, ...chosen }));
    for (const upload of slot ? uploads : []) {
      upload.isWanted = isWanted ?? slot.auto_upload;
      if (slot.resumable && !upload.code) upload.id = this.resuming.store.find(name, upload);
    }
    this.uploads.push(...uploads);
    this.forms.mirror(name);
    for (const upload of uploads) upload.code ? this.become(upload, "error") : this.register(upload);
    this.redraw();
  }

  clicked(e) {
    const button = dom(e.target).closest(BUTTONS);
    if (button && dom(button).matches("a, button, [type=submit], [type=image]")) e.preventDefault();
    const has = (name) => dom(e.target).closest(`[${name}]`)?.getAttribute(name);
    this.start(has("dj-upload-start"));
    const gone = has("dj-upload-cancel");
    if (gone) this.cancel(gone);
    const refused = has("dj-upload-dismiss");
    if (refused) this.later(({ dismiss }) => dismiss(this, refused));
    const held = this.find(has("dj-upload-pause"));
    if (held) load(() => import("./sender.js")).then(({ toggle }) => toggle(this, [held]));
    const again = this.find(has("dj-upload-retry"));
    if (again) this.later(({ goOn }) => goOn(this, again));
  }

  /** Clicks again once there are forms. */
  hold(e) {
    const button = dom(e.target).closest("[dj-upload-wait]");
    if (!button) return;
    e.stopImmediatePropagation();
    e.preventDefault();
    this.loadForms().then(() => button.click());
  }

  start(name) {
    for (const upload of this.uploads) if (upload.slot === name && upload.status === "queued") this.want(upload);
    this.pump();
  }

  want(upload) {
    upload.isWanted = true;
    if (upload.status === "paused") this.become(upload, "queued");
  }

  cancel(ref) {
    const upload = this.find(ref);
    if (upload) this.forms.cancelBehind(upload);
    if (upload) this.take(upload);
    else this.live.send(messages.cancel(ref));
    this.remove((other) => other.ref === ref);
  }

  take(upload) {
    this.live.send(messages.cancel(upload.ref));
    this.become(upload, "cancelled");
  }

  later(act) {
    load(() => import("./retry.js")).then(act);
  }

  keep = keep;

  busy() {
    return this.uploads.some((upload) => upload.isWanted && !upload.isOver) || null;
  }

  disconnected() {
    this.terms = null;
    this.sender?.stop();
    for (const upload of this.uploads) {
      if (upload.hasFailed) continue;
      this.save(upload, true);
      upload.reset(upload.id ? upload.written : 0);
      if (upload.status !== "paused") this.become(upload, upload.isWanted ? "resuming" : "queued");
    }
    this.external?.pump();
  }

  failed() {
    load(() => import("./fallback.js")).then(({ start }) => start(this));
  }

  changed() {
    clearTimeout(this.drawing);
    this.drawing = undefined;
    this.drawnAt = performance.now();
    this.view.draw(this.uploads, this.slots);
    this.forms?.draw();
    this.resuming?.store.draw();
  }

  received(message) {
    handlers.get(message.type)?.(this, message);
    this.external?.received(message);
    this.pump();
  }

  /** Whether the server has its files; one that failed blocks it. */
  async readyToSubmit(form) {
    return (!this.uploads.length && !this.early.length) || (await this.loadForms()).ready(form);
  }

  of(form) {
    return this.uploads.filter((upload) => this.forms.ownerOf(upload) === form);
  }

  register(upload) {
    if (upload.prepare) return upload.prepare(upload);
    if (this.forms.holdsBack(upload)) return;
    if (upload.id) return this.resuming.ask(upload);
    this.live.send(messages.register(upload, page));
    if (upload.status === "resuming") this.become(upload, "queued");
    else this.tell(upload);
  }

  /** The chunks of this upload may be sent. */
  open(upload, { channel, offset, upload_id, external }) {
    Object.assign(upload, { channel: channel || -1, sent: offset, written: offset, error: "" });
    if (this.slots.get(upload.slot)?.resumable) upload.id = upload_id;
    upload.grant = external;
    if (external) load(() => import("./external.js")).then(({ open }) => open(this, upload, external));
  }

  forget(upload) {
    if (upload.id) this.resuming.store.forget(upload.id);
  }

  /** And beside them what sends: it is needed next. */
  loadForms() {
    const start = ({ Forms }) => (this.forms = new Forms(this));
    if (!this.loadingForms) load(() => import("./sender.js")).then((module) => module.start(this));
    return (this.loadingForms ??= load(() => import("./forms.js")).then(start));
  }

  /** Chooses what came early. */
  async chooseEarly() {
    for (const { resumable } of this.slots.values()) {
      if (resumable) this.loading ??= load(() => import("./resuming.js")).then(({ start }) => start(this));
    }
    if (this.early.length) await this.loadForms();
    if (this.isReady) for (const early of this.early.splice(0)) this.choose(...early);
  }

  /** Takes what slots wait for. */
  with(module) {
    Object.assign(this, module);
    return this.chooseEarly();
  }

  /** A few of each slot. */
  sending() {
    const counts = new Map();
    return this.uploads.filter((upload) => {
      if (!upload.canSend || this.forms.standsBack(upload)) return false;
      const count = (counts.get(upload.slot) ?? 0) + 1;
      counts.set(upload.slot, count);
      return count <= (this.slots.get(upload.slot)?.max_parallel ?? 1);
    });
  }

  pump() {
    for (const upload of this.active()) if (upload.status !== "uploading") this.become(upload, "uploading");
    this.sender?.pump(this.active);
    this.external?.pump();
  }

  become(upload, status) {
    upload.status = status;
    if (!upload.isChosen) this.forms.mirror(upload.slot);
    this.tell(upload);
  }

  tell(upload) {
    upload.revision++;
    this.save(upload);
    if (upload.hasFailed && !upload.keeper) this.forget(upload);
    dispatchEvent(new CustomEvent("djust:upload:progress", { detail: upload.detail }));
    this.redraw();
    for (const check of this.waiters) check();
  }

  redraw() {
    const due = this.drawnAt + EVERY - performance.now();
    this.drawing ??= setTimeout(() => requestAnimationFrame(() => this.changed()), due);
  }

  save(upload, isLast) {
    if (upload.channel && upload.id && !upload.isOver) this.resuming.store.save(upload, isLast);
  }

  until(condition) {
    return new Promise((resolve) => {
      const check = () => {
        if (!condition()) return;
        this.waiters.delete(check);
        resolve();
      };
      this.waiters.add(check);
      check();
    });
  }

  find(ref) {
    return this.uploads.find((upload) => upload.ref === ref);
  }

  remove(condition) {
    this.uploads = this.uploads.filter((upload) => {
      const goes = condition(upload);
      if (goes) this.forget(upload);
      return !goes;
    });
    this.changed();
    for (const check of this.waiters) check();
  }
}

const handlers = new Map(
  Object.entries({
    upload_config(own, { slots, credit, max_frame }) {
      for (const name in slots) if (slots[name].auto_upload && own.slots.get(name)?.auto_upload === false) own.start(name);
      own.slots = new Map(Object.entries(slots));
      if (!own.terms) {
        own.terms = { credit, max_frame };
        own.sender?.start(own);
        const known = [...own.uploads];
        const { terms } = own;
        if (known.length) load(() => import("./unreadable.js")).then((all) => all.registerReadable(own, known, terms));
      }
      own.isReady = true;
      own.chooseEarly();
      own.changed();
    },
    upload_registered(own, message) {
      const upload = own.find(message.ref);
      if (!upload) return own.live.send(messages.cancel(message.ref)); // cancelled meanwhile
      own.open(upload, message);
    },
    upload_resume_ack(own, message) {
      const upload = own.find(message.ref);
      if (upload) own.resuming.answered(upload, message).then(() => own.pump());
      else if (message.accepted) own.live.send(messages.cancel(message.ref)); // cancelled meanwhile
    },
    upload_progress(own, { offsets, credit, settled, min_frame }) {
      own.live.connection.crashes = own.live.connection.tries = 0; // bytes get through
      own.terms.credit = credit;
      own.sender?.settle(credit, settled, min_frame);
      for (const [channel, offset] of offsets) {
        const upload = own.uploads.find((upload) => upload.channel === channel);
        if (!upload || upload.isOver) continue;
        own.sender?.advance(upload, offset);
        own.tell(upload);
      }
    },
    upload_ready(own, { ref }) {
      const upload = own.find(ref);
      if (upload) own.become(Object.assign(upload, { error: "" }), "complete");
    },
    upload_delayed(own, message) {
      own.later(({ delay }) => delay(own, message));
    },
    upload_error(own, { ref, code, message, offset, kept, lasts }) {
      const upload = own.find(ref);
      if (!upload) return;
      if (offset >= 0) return void (upload.sent = offset);
      const { terms } = own; // a new socket registers it by itself
      const { channel } = upload;
      const isPassing = PASSING.test(code) && channel >= 0 && !kept && !lasts; // direct ones have been
      Object.assign(upload, { code, error: message, channel: 0, keeper: kept && terms });
      own.become(upload, isPassing ? "resuming" : "error");
      if (isPassing) own.later(({ retry }) => own.terms === terms && retry(own, upload, channel > 0));
    },
    error(own, message) {
      handlers.get("upload_error")(own, message);
    },
    upload_cancelled(own, { ref }) {
      const upload = own.find(ref);
      if (upload && !upload.isOver) own.become(upload, "cancelled");
      own.remove((other) => other.ref === ref);
    },
    upload_consumed(own, { ref }) {
      own.remove((other) => other.ref === ref);
    },
  }),
);

if (live) {
  once("uploads", () => {
    const uploads = new Uploads(live);
    live.use(uploads);
    return uploads;
  });
}
