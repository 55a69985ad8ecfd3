// The forms of a page's files: which of them gets a file, when it may be submitted, and what the platform reads of its
// inputs: required, :invalid, input.files, new FormData(form), a reset and a native POST find what the slot has. Loaded
// with the first file.

import { gettext } from "../liveview/client.js";
import { dom } from "../liveview/dom.js";
import { formOf } from "../liveview/form.js";
import { onSubmit } from "./submit.js";

const PATIENCE = 10_000; // ms in which the modules of a slot have to be there
const PARTS = ["", "-drop", "-paste", "-progress", "-preview", "-errors", "-start", "-resume"];
const INPUT = "input[type=file][dj-upload";

const QUALITY = 0.85; // of pictures that are made smaller

const UNKNOWN = ["unknown_slot", gettext("This page doesn't accept that upload.")];
const ONE = ["too_many_files", gettext("Only 1 file can be uploaded at a time.")];

/** The slot's inputs in `within`. */
const inputs = (within, slot) => [...dom(within).querySelectorAll(`${INPUT}="${slot}"]`)];
const first = (elements) => Array.from(elements, formOf).find(Boolean) ?? null;
const counts = ({ isChosen, keeper }) => isChosen || Boolean(keeper);
const isThere = (form) => form && dom(form).isConnected;

export class Forms {
  /** @param uploads the page's */
  constructor(uploads) {
    this.uploads = uploads;
    this.root = uploads.live.root;
    addEventListener("reset", (e) => e.defaultPrevented || this.clear(e.target));
    addEventListener("click", (e) => this.clicked(e));
    addEventListener("djust:upload:progress", ({ detail: { ref, status } }) => {
      if (status === "complete") this.cancelBehind(uploads.find(ref));
    });
    this.root.addEventListener("click", (e) => this.hold(e), true);
    this.root.addEventListener("cancel", () => this.draw()); // a picker is closed, and nothing was chosen
    // An input was enabled when it was given them; it may be disabled since, for as long as its form waits.
    uploads.early = uploads.early.filter(([slot, , giver, , , ...reset]) => {
      if (reset.includes(this.formFor(slot, giver))) return false;
      return giver?.type === "file" || !this.isDisabled(slot, giver);
    });
    uploads.view.need("announcements", () => import("./announcements.js")).then(() => uploads.view.announcements.listen(uploads));
    if (this.root.querySelector("[dj-upload-overlay]")) uploads.view.need("dragged", () => import("./dragged.js"));
    if (!uploads.isReady) uploads.view.need("noSlots", () => import("./no_slots.js")).then(() => uploads.view.noSlots.ask(this));
    for (const [slot] of uploads.early) this.mirror(slot);
  }

  // Whose a file is

  /**
   * The form that gets what is given to a slot by an input or a zone. The input that a zone is for decides before the
   * form around it; what is given in no form goes to the form that has the slot's input, or rows or buttons of it.
   */
  formFor(slot, giver) {
    const all = PARTS.map((part) => `[dj-upload${part}="${slot}"]`).join();
    return (
      (giver && (first(inputs(giver, slot)) ?? formOf(giver))) ??
      first(inputs(this.root, slot)) ??
      first(dom(this.root).querySelectorAll(all))
    );
  }

  /** The form of an upload: the one it was chosen in or, if that is gone, its slot's. */
  ownerOf({ form, slot, ref }) {
    if (isThere(form)) return form;
    return this.formFor(slot) ?? first(dom(this.root).querySelectorAll(`[dj-upload-cancel="${ref}"]`));
  }

  isPosted(form) {
    return form && dom(form).matches("[method=post]");
  }

  /** Whether a zone takes nothing, because the inputs that it is for take nothing. */
  isDisabled(slot, zone) {
    if (!zone) return false;
    const form = this.formFor(slot, zone);
    const inside = inputs(zone, slot);
    const own = inside.length ? inside : inputs(this.root, slot).filter((input) => this.formFor(slot, input) === form);
    return dom(zone).closest(":disabled") !== null || (own.length > 0 && own.every((input) => input.matches(":disabled")));
  }

  /**
   * Those files of an input that are new. A script may edit what an input holds, and tells by `change`: of what was in
   * it, only what still is stays chosen.
   */
  added(slot, files, giver) {
    if (giver?.type !== "file") return files;
    const { uploads } = this;
    const form = this.formFor(slot, giver);
    const had = uploads.uploads.filter((one) => one.slot === slot && one.isChosen && this.ownerOf(one) === form);
    const kept = new Set(had.map(({ file }) => file).filter((file) => files.some((one) => one.file === file)));
    if (kept.size || (!files.length && !giver.files.length)) {
      for (const { ref, file } of had) if (!kept.has(file)) uploads.cancel(ref);
    }
    return files.filter(({ file }) => !kept.has(file));
  }

  /** A form is reset: nothing is chosen in it any more. */
  clear(form) {
    const { uploads } = this;
    uploads.early = uploads.early.filter(([slot, , giver]) => this.formFor(slot, giver) !== form);
    const gone = uploads.of(form);
    for (const upload of gone) uploads.take(upload);
    uploads.remove((upload) => gone.includes(upload));
  }

  /** Files with a `refusal` where that is clear by now, and with what is to be done with them before they are sent. */
  judged(name, files, giver) {
    const wish = this.wish(name, giver);
    const asItIs = (upload) => this.uploads.register(Object.assign(upload, { prepare: null }));
    const resize = (upload) =>
      import("./resizing.js").then((one) => one.prepare(this.uploads, upload, wish), () => asItIs(upload));
    const acts = ({ type }) => wish && type.startsWith("image/") && Object.assign(resize, { wish: JSON.stringify(wish) });
    files = files.map((chosen) => ({ ...chosen, prepare: acts(chosen.file) }));
    const { max_entries } = this.uploads.slots.get(name) ?? {};
    const only = max_entries === 1 ? files.find(({ refusal }) => !refusal) : null;
    if (only && !this.mayReplace(name, only)) return [];
    const refusal = only ? ONE : max_entries ? null : UNKNOWN;
    return files.map((chosen) => (refusal && chosen !== only ? { refusal, ...chosen } : chosen));
  }

  /** Whether a file may take the place of the slot's only one: if some of that has been sent, the visitor decides. */
  mayReplace(name, { file }) {
    const begun = this.uploads.uploads.findLast((one) => one.slot === name && one.written && !one.isOver);
    if (!begun) return true;
    const { percent = (part) => `${part}%` } = this.uploads.view.rows ?? {};
    const facts = { name: begun.file.name, progress: percent(begun.progress), other: file.name };
    return confirm(gettext("%(progress)s of %(name)s is uploaded. Replace it with %(other)s?", facts));
  }

  /** To which size pictures are made smaller, and how good they stay: `dj-upload-resize`, or what the slot says. */
  wish(slot, giver) {
    const places = dom(this.root).querySelectorAll(`:is([dj-upload="${slot}"], [dj-upload-drop="${slot}"])`);
    const all = [giver, ...places].filter(Boolean).map((one) => dom(one));
    const has = (name) => all.find((one) => one.hasAttribute(name))?.getAttribute(name);
    const isOriginal = dom(this.root).querySelector(`[dj-upload-original="${slot}"]:checked`);
    const most = isOriginal ? 0 : Number(has("dj-upload-resize") ?? this.uploads.slots.get(slot)?.resize ?? 0);
    return most > 0 ? { most, quality: Number(has("dj-upload-quality")) || QUALITY } : null;
  }

  async goWithout() {
    const { view } = this.uploads;
    await view.need("missing", () => import("./missing.js"));
    view.missing.goWithout(this.uploads);
  }

  // When it may be submitted

  async ready(form) {
    const { uploads } = this;
    const slots = dom(form).getAttribute("dj-upload-wait")?.split(" "); // of a button
    const isOf = (slot, owner) => (slots ? slots.includes(slot) : owner === form);
    let asked = []; // a render may have put another form in the place of this one meanwhile
    const isOwn = (one) => one.form === form || asked.includes(one) || isOf(one.slot, this.ownerOf(one));
    const isDue = (one) => !this.standsBack(one) || (one.hasFailed && asked.includes(one));
    const own = () => uploads.uploads.filter((one) => isOwn(one) && isDue(one));
    const all = Array.from(dom(this.root).querySelectorAll(`${INPUT}]:required:valid`));
    const satisfied = all.filter((input) => input.form === form);
    asked = own();
    await uploads.until(() => this.isLeft || !uploads.early.some(([slot, , giver]) => isOf(slot, this.formFor(slot, giver))));
    if (this.isLeft && this.isPosted(form)) throw { code: "unreachable" }; // the browser sends it
    if (this.isLeft) return true; // without its files
    asked.push(...own());
    const decide = () => onSubmit(own(), dom(form).hasAttribute("dj-upload-skip"));
    for (const upload of decide().start) uploads.want(upload);
    uploads.pump();
    await uploads.until(() => {
      if (decide().verdict !== "wait") return true;
      for (const upload of own()) upload.isWanted ||= upload.status !== "paused"; // also those chosen in the meantime
    });
    // What was there when it was submitted may have been refused or removed.
    const isLost = asked.every((upload) => !upload.isChosen) && satisfied.some((input) => !input.reportValidity());
    if (decide().verdict === "go") return !isLost;
    await uploads.view.need("errors", () => import("./errors.js"));
    uploads.changed(); // what is pointed at is drawn
    uploads.view.errors.point(uploads.view, form, own().find(({ hasFailed }) => hasFailed));
    return false;
  }

  /** A click on what waits for uploads is held back, and made again when they are there. */
  async hold(e) {
    const button = dom(e.target).closest("[dj-upload-wait]");
    if (!button || this.let === button) return;
    e.stopImmediatePropagation();
    e.preventDefault();
    if (dom(button).ariaBusy) return;
    button.ariaBusy = "true";
    const isReady = await this.ready(button);
    button.ariaBusy = null;
    this.let = button;
    if (isReady) button.click();
    this.let = null;
  }

  // In a slot for a single file the last one counts, unless it was refused. The one before stands back until it is known
  // to be good.

  /** Whether another file of its slot counts. */
  standsBack(upload) {
    const { uploads, slots } = this.uploads;
    if (slots.get(upload.slot)?.max_entries !== 1) return false;
    const last = uploads.findLast((one) => one.slot === upload.slot && counts(one));
    return Boolean(last) && last !== upload;
  }

  /** Whether it has to stand back; it is registered when it needn't any more, if that is on the same socket. */
  holdsBack(upload) {
    if (!this.standsBack(upload)) return false;
    const { uploads } = this;
    const { terms } = uploads;
    const register = () => uploads.terms === terms && uploads.uploads.includes(upload) && uploads.register(upload);
    uploads.until(() => !this.standsBack(upload)).then(register);
    return true;
  }

  /** What stands back behind it is of no use any more: it is good, or its visitor takes it back. */
  cancelBehind(upload) {
    if (!upload || !counts(upload) || this.standsBack(upload)) return;
    const { uploads } = this;
    const behind = (one) => one.slot === upload.slot && one.isChosen && this.standsBack(one);
    for (const { ref } of uploads.uploads.filter(behind)) uploads.cancel(ref);
  }

  // What its inputs hold

  draw() {
    const slots = [...this.uploads.slots.keys()];
    for (const slot of slots) this.mirror(slot);
    this.timer ??= setTimeout(() => {
      this.timer = null;
      for (const slot of slots) this.mirror(slot, false);
    }, this.uploads.uploads.length); // ms: each file costs 10 µs, so the more there are, the less often
  }

  /**
   * Puts a slot's files into its inputs, each into those of its own form.
   * @param isRough whether it is enough to be right about there being any
   */
  mirror(slot, isRough = true) {
    const { uploads, early } = this.uploads;
    if (early.length) this.patience ??= setTimeout(() => (this.patience = void this.goWithout()), PATIENCE);
    const home = this.formFor(slot);
    const own = uploads.filter((upload) => upload.slot === slot && upload.isChosen);
    for (const [name, files, giver] of early) {
      if (name === slot) own.push(...files.map(({ file }) => ({ file, form: this.formFor(slot, giver) })));
    }
    const filesOf = (form) => own.filter((one) => (isThere(one.form) ? one.form : home) === form).map(({ file }) => file);
    const served = new Set(); // forms whose files are in an input already: a form is sent each file once
    for (const input of inputs(this.root, slot)) {
      const form = this.formFor(slot, input);
      const files = served.has(form) && !input.required ? [] : filesOf(form).slice(input.multiple ? 0 : -1);
      if (!input.matches(":disabled")) served.add(form);
      if (!isRough || !files.length !== !input.files.length) put(input, files);
    }
  }

  /** Only an empty input tells when its last file is chosen again. */
  clicked({ target, defaultPrevented }) {
    if (defaultPrevented || !navigator.userActivation?.isActive || !dom(target).matches?.(`${INPUT}]`)) return;
    if (this.uploads.slots.has(target.getAttribute("dj-upload"))) target.value = "";
  }
}

function put(input, files) {
  if (files.length === input.files.length && files.every((file, i) => file === input.files[i])) return;
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  input.files = transfer.files;
  input.dispatchEvent(new Event("live:filled", { bubbles: true })); // by a drop, for example
}
