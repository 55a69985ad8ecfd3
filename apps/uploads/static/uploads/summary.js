// dj-upload-summary: what becomes of many files, in one line, and buttons for all of them. Loaded with the first rows of
// a page that has such an element.

import { gettext, live } from "../liveview/client.js";
import { document, dom } from "../liveview/dom.js";
import { load } from "../liveview/load.js";
import { once } from "../liveview/once.js";
import { Batch } from "./batch.js";
import { move } from "./bars.js";
import { make } from "./elements.js";

const MANY = 2; // files that are worth a summary
const LINGERS = 6_000; // ms for which the outcome is shown, if nothing was refused
const TICK = 1_000; // ms after which it is drawn again, though nothing has happened

/** In other words by data-count, data-refused … of the template's data-summary="text". */
const TEXTS = {
  count: gettext("{done} of {all}"),
  refused: gettext("{refused} refused"),
  left: gettext("{time} left"),
  paused: gettext("Paused"),
  done: gettext("{done} uploaded"),
};
const SUMMARY = `<div class="upload-summary">
<p class="upload-summary-text" data-summary="text"></p>
<div class="upload-progress-bar" role="progressbar" aria-label="${gettext("All files")}" data-summary="bar"><div class="upload-progress-fill"></div></div>
<p class="upload-summary-buttons">
<button type="button" dj-upload-all="pause">${gettext("Pause all")}</button>
<button type="button" dj-upload-all="resume">${gettext("Resume all")}</button>
<button type="button" dj-upload-all="cancel">${gettext("Cancel all")}</button>
<button type="button" dj-upload-all="retry">${gettext("Try all again")}</button>
<button type="button" dj-upload-all="dismiss">${gettext("Dismiss refused")}</button>
</p></div>`;

const uploads = once("uploads", () => null);
const batches = once("batches", () => new Map()); // slot → its batch
const timers = once("summary timers", () => new Map()); // slot → what draws it again

once("summary buttons", () => live.root.addEventListener("click", clicked) ?? true);

/** Whether one summary stands for the files of a slot, instead of a word on each. */
export function sumsUp(slot) {
  return batches.get(slot)?.count >= MANY;
}

/** @param own the slot's uploads that are on the page */
export function draw(view, element, own) {
  const slot = dom(element).getAttribute("dj-upload-summary");
  const now = performance.now();
  if (!batches.has(slot)) batches.set(slot, new Batch());
  const batch = batches.get(slot);
  const wasOver = batch.isOver;
  batch.update(own, now);
  const lingers = batch.isOver && !batch.failed.length ? batch.endedAt + LINGERS - now : TICK;
  const isShown = batch.count >= MANY && lingers > 0 && (batch.done || own.length);
  if (batch.isOver && !wasOver && batch.count >= MANY) announce(`${outcome(batch).join(", ")}.`);
  show(element, batch, isShown, now);
  clearTimeout(timers.get(slot));
  const isDue = isShown && (!batch.isOver || !batch.failed.length);
  timers.set(slot, isDue && setTimeout(view.redraw, Math.min(lingers, TICK)));
}

const announce = (line) => load(() => import("./announcements.js")).then(({ say }) => say(line, "unshift"));

function outcome({ done, failed }, words = TEXTS) {
  const said = [];
  if (done || !failed.length) said.push(put(words.done, { done }));
  if (failed.length) said.push(put(words.refused, { refused: failed.length }));
  return said;
}

function progress(batch, words, now) {
  const { done, count, failed, isPaused } = batch;
  const said = [put(words.count, { done, all: count })];
  if (failed.length) said.push(put(words.refused, { refused: failed.length }));
  const left = batch.left(now);
  if (isPaused) said.push(words.paused);
  else if (left) said.push(put(words.left, { time: uploads.view.rows.duration(left) }));
  return said;
}

const put = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function show(element, batch, isShown, now) {
  const template = element.querySelector(":scope > template");
  let box = [...element.children].find((child) => child !== template);
  if (!isShown) {
    if (box?.contains(document.activeElement)) leave(element);
    return box?.remove();
  }
  if (!box) element.append((box = make(template?.innerHTML.trim() || SUMMARY)));
  const text = box.querySelector('[data-summary="text"]');
  const words = { ...TEXTS, ...text?.dataset };
  const said = (batch.isOver ? outcome(batch, words) : progress(batch, words, now)).join(" · ");
  if (text && text.textContent !== said) text.textContent = said;
  const bar = box.querySelector('[data-summary="bar"]');
  if (bar) move(bar, batch.progress);
  const state = batch.isOver ? "over" : batch.isPaused ? "paused" : "uploading";
  if (box.dataset.state !== state) box.dataset.state = state;
  buttons(element, box, {
    pause: state === "uploading",
    resume: state === "paused",
    cancel: !batch.isOver,
    retry: batch.failed.some(({ isFinal }) => !isFinal),
    dismiss: batch.failed.length > 1, // one has a button of its own
  });
}

function buttons(element, box, isUseful) {
  const focused = document.activeElement;
  for (const button of box.querySelectorAll("[dj-upload-all]")) {
    const isHidden = !isUseful[button.getAttribute("dj-upload-all")];
    if (button.hidden !== isHidden) button.hidden = isHidden;
  }
  if (box.contains(focused) && focused.hidden) leave(element);
}

/** The focus goes on to a button that is still there, or to where files are chosen. */
function leave(element) {
  const slot = dom(element).getAttribute("dj-upload-summary");
  const next = element.querySelector("[dj-upload-all]:not([hidden])");
  (next ?? uploads.view.all("dj-upload", slot)[0])?.focus({ preventScroll: true });
}

function clicked(e) {
  const button = dom(e.target).closest?.("[dj-upload-all]");
  const slot = button?.closest("[dj-upload-summary]")?.getAttribute("dj-upload-summary");
  const act = slot && ACTS[button.getAttribute("dj-upload-all")];
  if (!act) return;
  act(uploads.uploads.filter((upload) => upload.slot === slot), slot);
  uploads.changed();
}

const ACTS = {
  pause: toggle,
  resume: toggle,
  cancel: (own) => remove(own.filter(({ isOver }) => !isOver)),
  dismiss: (own) => remove(own.filter(({ hasFailed }) => hasFailed)),
  async retry(own) {
    const { goOn } = await load(() => import("./retry.js"));
    for (const upload of own) if (upload.hasFailed && !upload.isFinal) goOn(uploads, upload);
  },
};

async function toggle(own) {
  const module = await load(() => import("./sender.js"));
  module.toggle(uploads, own);
}

function remove(gone) {
  for (const upload of gone) uploads.take(upload);
  uploads.remove((upload) => gone.includes(upload));
}
