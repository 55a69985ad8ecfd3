// What the visitor does, as events.

import { document, dom } from "./dom.js";
import { formOf, goesElsewhere, resubmit } from "./form.js";
import { live } from "./live.js";
import { once } from "./once.js";
import { pace } from "./pace.js";
import { params } from "./params.js";
import { pending } from "./pending.js";

/** @type {LiveView.Events} */
const own = {
  kinds: ["click", "submit", "keydown", "change", "input"],
  touched: new WeakSet(),
  native: null,

  listen(root) {
    for (const kind of this.kinds) {
      const ofField = /change|input/.test(kind);
      (ofField ? document : root).addEventListener(kind, (/** @type {any} */ e) => {
        if (!(e.target instanceof Element)) return;
        const element = ofField ? this.listener(e.target, kind) : dom(e.target).closest(`[dj-${kind}]`);
        if (element && !e.defaultPrevented) this[kind](e, element);
      });
    }
    document.addEventListener("focusout", (e) => pace.flush((field) => field === e.target));
  },

  click(e, element) {
    if (e.ctrlKey || e.metaKey || e.shiftKey) return;
    if (dom(element).matches("a, button, [type=submit], [type=image]")) {
      if (live.isFailed) return; // links and buttons work without us
      e.preventDefault();
    }
    pace.run(element, "click", element, () => {
      if (!isLocked(element) && confirmed(element)) this.send(element, "click", params.data(element), "lock");
    });
  },

  keydown({ key, target, isComposing }, element) {
    const wanted = dom(element).getAttribute("dj-key");
    if (isComposing || (wanted && wanted !== key)) return;
    const all = { ...params.data(element), ...params.field(target), key };
    pace.run(element, "keydown", target, () => this.send(element, "keydown", all));
  },

  listener(field, kind) {
    return [field, formOf(field)].find((element) => live.root.contains(element) && element && dom(element).hasAttribute("dj-" + kind));
  },

  change({ type, target }, element) {
    this.touched.add(element);
    pace.run(element, type, target, () => this.tell(element, type));
  },

  input(e, element) {
    this.change(e, element);
  },

  tell(element, kind) {
    const own = { ...params.data(element), ...params.field(element) };
    this.send(element, kind, element instanceof HTMLFormElement ? params.form(element, null) : own);
  },

  recover() {
    for (const kind of ["change", "input"]) {
      for (const element of live.root.querySelectorAll(`[dj-${kind}]`)) {
        if (this.touched.has(element)) this.tell(element, kind);
      }
    }
  },

  async submit(e, form) {
    const { submitter } = e;
    if (form === this.native || goesElsewhere(submitter)) return;
    const isPost = dom(form).matches("[method=post]");
    const mayGo = !isLocked(form) && confirmed(submitter) && confirmed(form);
    const hasFiles = [...dom(form).elements].some(({ files }) => files?.[0]);
    const isOurs = !live.isFailed && (!hasFiles || live.extensions.some((extension) => extension.readyToSubmit));
    if (mayGo && isPost && !isOurs) return void (live.isLeaving = true); // the browser sends it
    e.preventDefault();
    if (!mayGo) return;
    pace.flush((field) => formOf(field) === form);
    const name = params.event(form, submitter);
    const all = params.form(form, submitter); // before any field is disabled
    const done = pending.start(form, name, "submit");
    const failure = await live.submit(form, name, all).catch((error) => error.code);
    done();
    if (failure !== "unreachable" || !isPost) return;
    live.isLeaving = true;
    resubmit(this, form, submitter);
  },

  async send(element, kind, all, lock) {
    const name = dom(element).getAttribute("dj-" + kind);
    const done = pending.start(element, name, lock);
    await live.event(name, all).catch(() => {});
    done();
  },
};

export const events = once("events", () => own);

/** @param {Element} element */
const isLocked = (element) => pending.some((event) => event.kind && event.element === element);

/** @param {Element | null} element */
function confirmed(element) {
  const question = element && dom(element).getAttribute("dj-confirm");
  return !question || confirm(question);
}
