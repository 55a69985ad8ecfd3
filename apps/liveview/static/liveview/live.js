// The live page: what it asks and is sent.

import { connection } from "./connection.js";
import { document } from "./dom.js";
import { gettext } from "./gettext.js";
import { load } from "./load.js";
import { messages } from "./messages.js";
import { hold, morph, remember } from "./morph.js";
import { once } from "./once.js";
import { pending } from "./pending.js";
import { status } from "./status.js";

const RELOAD_AGAIN = 60_000; // ms between automatic reloads

/** Survives a reload, if storage may be used. @type {Record<string, string>} */
const store = (() => {
  try {
    return sessionStorage;
  } catch {
    return {};
  }
})();

/** @type {LiveView.Live} */
const own = {
  root: document.body,
  connection,
  extensions: [],
  heard: new Map(),
  refs: 0,
  waiting: new Map(),
  html: "",
  version: 0,
  snapshot: null,
  isMounted: false,
  most: 0,
  isLeaving: false,
  address: "",
  hooks: new Map(),
  hold,

  async start(root) {
    this.root = root;
    this.address = address();
    if (!parsed()?.then(() => remember(root))) remember(root);
    status.start();
    const watch = (/** @type {Event} */ e, path = e.composedPath()) =>
      load(() => import("./refocus.js"), "").then(({ begin }) => begin(path));
    document.addEventListener("focusin", watch, { once: true });
    if (store.liveFailed) connection.times.patience = 500; // as on the last page
    addEventListener("popstate", () => this.moved());
    addEventListener("live:advice", (/** @type {any} */ e) => console.error(e.detail));
    addEventListener("beforeunload", (e) => {
      if (!this.isLeaving && (pending.some(({ kind }) => kind === "submit") || this.isBusy)) e.preventDefault();
      this.isLeaving = false;
    });
    if (store.liveDebug) await this.tap({ log: true });
    connection.start(root.dataset.liveSocket ?? "", this);
  },

  use(extension) {
    this.extensions.push(extension);
    if (!this.isMounted) return;
    extension.mounted?.();
    for (const message of this.heard.values()) extension.received?.(message);
  },

  hook(name, functions) {
    this.hooks.set(name, functions);
    this.each("changed");
  },

  event(name, params = {}) {
    return this.ask((ref) => messages.event(ref, name, params));
  },

  call(name, params = {}) {
    return this.ask((ref) => messages.call(ref, name, params));
  },

  send(message) {
    connection.send(message);
  },

  debug(on = true) {
    store.liveDebug = on ? "1" : "";
    return this.tap({ log: on });
  },

  latency(ms) {
    return this.tap({ ms });
  },

  get isFailed() {
    return connection.state === "failed";
  },

  get isBusy() {
    return this.extensions.some((extension) => extension.busy?.());
  },

  opened() {
    this.send(messages.mount(address(), this.snapshot));
  },

  closed() {
    const wasMounted = this.isMounted;
    this.isMounted = false;
    this.heard.clear();
    this.lose("disconnected");
    if (wasMounted) this.each("disconnected");
  },

  changed(state) {
    status.show(state);
    this.each(state);
    if (this.isFailed) this.lose("unreachable");
  },

  received(message) {
    if (parsed()?.then(() => this.received(message))) return;
    const type = message?.type;
    if (Object.hasOwn(handlers, type)) handlers[type](message);
    else if (type) {
      this.heard.set(type, message);
      this.each("received", message);
    }
  },

  async submit(form, name, params) {
    for (const extension of this.extensions) {
      if ((await extension.readyToSubmit?.(form)) === false) return;
    }
    await this.event(name, params);
  },

  reload() {
    if (Date.now() - Number(store.liveReloaded ?? 0) < RELOAD_AGAIN) return connection.rest("failed");
    store.liveReloaded = String(Date.now());
    this.isLeaving = true;
    location.reload();
  },

  ask(make) {
    return new Promise((resolve, reject) => {
      const ref = ++this.refs;
      const message = make(ref);
      const text = JSON.stringify(message); // or fails, and nobody waits
      this.waiting.set(ref, { message, text, isSent: false, resolve, reject });
      if (this.isMounted) this.flush();
      else if (this.isFailed) this.lose("unreachable");
    });
  },

  flush() {
    for (const [ref, question] of this.waiting) {
      if (question.isSent) continue;
      const { text } = question;
      const size = text.length * 3 > this.most ? new Blob([text]).size : 0;
      question.isSent = connection.isOpen;
      if (size <= this.most) connection.sendBinary(text);
      else load(() => import("./too_long.js")).then(({ refusal }) => handlers.error(refusal(ref, text, size, this.most)));
    }
  },

  lose(code) {
    for (const [ref, { isSent }] of this.waiting) {
      if (isSent === (code === "disconnected")) this.answered(ref)?.reject(failure(code, gettext("There is no connection.")));
    }
  },

  answered(ref) {
    const question = this.waiting.get(ref);
    this.waiting.delete(ref);
    return question;
  },

  show(version, html) {
    this.version = version;
    this.html = html;
    pending.without(() => morph(this.root, html, { keep: (element) => this.keep(element) }));
    this.rendered();
  },

  rendered() {
    const hasShadows = this.root.querySelector("template[shadowrootmode]");
    if (hasShadows) load(() => import("./shadow.js")).then(({ attach }) => attach(this.root));
    this.each("changed");
  },

  keep(element) {
    for (const { keep } of this.extensions) {
      const kept = keep?.(element);
      if (kept) return kept;
    }
    return "";
  },

  moved() {
    if (!this.isMounted || this.address === address()) return;
    this.address = address();
    this.send(messages.url(this.address));
  },

  each(name, arg) {
    for (const extension of this.extensions) run(extension, name, arg);
  },

  async tap(how) {
    const { tap } = await load(() => import("./debug.js"));
    tap(connection, how);
  },
};

export const live = once("live", () => own);

/** @type {LiveView.Handlers} */
const handlers = {
  mounted({ version, html, title, snapshot, restored, max_message }) {
    const isAgain = live.snapshot !== null;
    live.snapshot = snapshot;
    live.isMounted = true;
    live.most = max_message;
    document.title = title || document.title;
    live.show(version, html);
    connection.settled();
    if (!restored) live.address = address();
    live.moved();
    if (isAgain && !restored) live.each("recover");
    live.flush();
    live.each("mounted");
    if (isAgain) live.each("reconnected");
  },
  patch({ version, splices }) {
    if (version !== live.version + 1) return live.send(messages.html());
    let html = "";
    let at = 0;
    for (const [start, length, text] of splices) {
      html += live.html.slice(at, start) + text;
      at = start + length;
    }
    live.show(version, html + live.html.slice(at));
  },
  html({ version, html }) {
    live.show(version, html);
  },
  ack({ ref }) {
    live.answered(ref)?.resolve();
  },
  result({ ref, value }) {
    live.answered(ref)?.resolve(value);
  },
  error({ ref, code, message, id }) {
    if (!live.isMounted) return connection.crash(); // the view can't be mounted
    if (typeof ref === "string") return live.each("received", { type: "error", ref, code, message });
    const question = live.answered(ref);
    if (question?.message.type !== "call") status.flash("error", id ? `${message} (${id})` : message);
    question?.reject(failure(code, message, id));
  },
  push({ name, detail }) {
    dispatchEvent(new CustomEvent("live:" + name, { detail }));
  },
  title({ title }) {
    document.title = title;
  },
  flash({ level, text }) {
    status.flash(level, text);
  },
  url({ url, replace }) {
    history[replace ? "replaceState" : "pushState"](null, "", new URL(url, location.href));
    live.address = address();
  },
  redirect({ url }) {
    const target = new URL(url, location.href);
    if (!/^https?:$/.test(target.protocol)) return;
    live.isLeaving = true;
    location.assign(target);
  },
  reload() {
    live.reload();
  },
  heartbeat() {
    status.reach(true); // whatever the browser thinks
    live.each("answered");
  },
};

/** Resolves when all of the page's HTML is here; nothing if it is. @type {() => Promise<void> | undefined} */
export function parsed() {
  if (document.readyState !== "loading") return;
  return new Promise((done) => document.addEventListener("readystatechange", () => done(), { once: true }));
}

/** Calls a method, whose error stops nothing else. @param {any} object @param {string} name @param {any} [arg] */
export function run(object, name, arg) {
  try {
    object[name]?.(arg);
  } catch (error) {
    reportError(error);
  }
}

/** @type {LiveView.MakeFailure} */
const failure = (code, message, id) => Object.assign(new Error(message), { name: "LiveError", code, id });
const address = () => location.pathname + location.search;
