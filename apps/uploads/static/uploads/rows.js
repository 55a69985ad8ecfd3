// Draws a row or a preview for each upload, and bars and words for all of them, where a page has a place for them.

import { gettext } from "../liveview/client.js";
import { document } from "../liveview/dom.js";
import { bytes, duration, percent, rate as speed } from "../liveview/numbers.js";
import { once } from "../liveview/once.js";
import { move } from "./bars.js";
import { make, sync } from "./elements.js";

const ROW = `<div class="upload-progress"><bdi class="upload-name" data-upload="name"></bdi>
<div class="upload-progress-bar" role="progressbar" data-upload="bar"><div class="upload-progress-fill"></div></div>
<span class="upload-detail" data-upload="status"></span>
<span class="upload-actions"><button type="button" dj-upload-retry="">${gettext("Try again")}</button>
<button type="button" dj-upload-cancel="">${gettext("Remove")}</button></span></div>`;
const REFUSED = "dj-upload-refused";
const PICTURE = /\.(avif|hei[cf])$/i; // not every browser knows their types
const SHOWN = /^(image\/(?!svg)|video\/)/; // an SVG can contain scripts

const AT_ONCE = 24; // pictures that are given an address before the next frame: each asks another process

export { bytes, duration, percent }; // numbers.js is a part of this module where it is delivered

const drawn = once("drawn", () => new WeakMap()); // row → the revision that it shows

/** Rows are made from the element's own `<template>`, if it has one. */
export function draw(view, element, uploads) {
  if (element.tagName === "PROGRESS") return progress(element, uploads);
  if (element.hasAttribute("dj-upload-preview")) return previews(view, element, uploads);
  if (element.hasAttribute("dj-upload-status")) return tell(element, uploads);
  if (element.hasAttribute("dj-upload-summary")) {
    if (uploads[0]) view.need("summary", () => import("./summary.js"));
    return view.summary?.draw(view, element, uploads);
  }
  const isForRefused = element.hasAttribute(REFUSED);
  if (isForRefused) uploads = uploads.filter(({ hasFailed }) => hasFailed);
  const template = element.querySelector(":scope > template");
  const rows = sync(element, uploads, () => make(template?.innerHTML.trim() ?? ROW), template);
  uploads.forEach((upload, i) => fill(view, rows[i], upload));
  // What is gathered in another place is said there alone. Its row stays for another try, with what was typed into it.
  if (isForRefused || ![...view.all("dj-upload-progress", uploads[0]?.slot)].some((place) => place.hasAttribute(REFUSED))) return;
  uploads.forEach(({ hasFailed }, i) => rows[i].toggleAttribute("data-gathered", hasFailed));
}

function progress(element, uploads) {
  element.value = whole(uploads).progress;
  const { status } = uploads.find(({ isWanted, isOver }) => isWanted && !isOver) ?? {};
  if (status) element.dataset.status = status;
  else delete element.dataset.status;
}

/** Says of all uploads of a slot what a row says of one. */
function tell(element, uploads) {
  const { status, rate, eta } = words(whole(uploads));
  const text = [status, rate, eta].filter(Boolean).join(" · ");
  if (element.textContent !== text) element.textContent = text;
}

/** All uploads of a slot that haven't failed, as if they were one. */
function whole(uploads) {
  const good = uploads.filter(({ hasFailed }) => !hasFailed);
  const sum = (of) => good.reduce((total, upload) => total + of(upload), 0);
  const size = sum(({ file }) => file.size);
  const written = sum((upload) => upload.written);
  const rate = sum((upload) => upload.rate);
  const one = good.find(({ isOver, isWanted }) => isWanted && !isOver) ?? good.find(({ status }) => status === "paused") ?? {};
  const { status = "", line, error } = one;
  const progress = size ? Math.floor((100 * written) / size) : 0;
  return { file: { size }, status, line, error, progress, rate, detail: { eta: (size - written) / rate } };
}

/** A row's parts are marked data-upload="name", "size", "progress", "rate", "eta", "status", "error" or "preview". */
function fill(view, row, upload) {
  if (drawn.get(row) === upload.revision) return;
  if (!drawn.has(row)) prepare(view, row, upload);
  drawn.set(row, upload.revision);
  if (row.dataset.status !== upload.status) row.dataset.status = upload.status;
  const texts = words(upload);
  for (const part of row.querySelectorAll("[data-upload]")) write(part, upload, texts);
  for (const part of row.querySelectorAll("[dj-upload-retry]")) part.hidden = !upload.hasFailed || upload.isFinal;
}

/** Labels the row with its file's name, which tells its buttons apart from those of others. */
function prepare(view, row, upload) {
  row.role ||= "group";
  row.ariaLabel ||= upload.file.name;
  for (const part of row.querySelectorAll("[data-ref]")) part.dataset.ref = upload.ref;
  for (const name of ["cancel", "pause", "retry"]) {
    for (const part of row.querySelectorAll(`[dj-upload-${name}]`)) part.setAttribute(`dj-upload-${name}`, upload.ref);
  }
  for (const bar of row.querySelectorAll('[data-upload="bar"]')) bar.setAttribute("aria-label", upload.file.name);
  const place = row.querySelector('[data-upload="preview"]');
  if (place && isShown(upload)) place.append(preview(view, upload));
}

/** A picture that this browser can't show has its name there, and the reason. */
function previews(view, element, uploads) {
  const isUnseen = ({ file, hasFailed, isOpaque }) => !hasFailed && (isOpaque || PICTURE.test(file.name));
  const drawn = uploads.filter((upload) => isShown(upload) || isUnseen(upload));
  sync(element, drawn, (upload) => (isShown(upload) ? preview(view, upload) : unseen(upload)));
}

function unseen({ file }) {
  const text = make(`<p class="upload-opaque"><bdi></bdi>: ${gettext("no preview in this browser")}</p>`);
  text.firstChild.textContent = file.name;
  return text;
}

function isShown({ file, hasFailed, isOpaque }) {
  return SHOWN.test(file.type) && !hasFailed && !isOpaque;
}

function preview(view, upload) {
  const { urls } = view;
  const media = document.createElement(upload.file.type.startsWith("video/") ? "video" : "img");
  if (!urls.has(upload)) urls.set(upload, { url: "", shown: [] });
  const entry = urls.get(upload);
  entry.shown.push(media);
  soon(() => urls.get(upload) === entry && (media.src = entry.url ||= URL.createObjectURL(upload.file)));
  media.onerror = () => {
    upload.isOpaque = true; // this browser can't show it, and isn't asked again
    media.remove();
    view.redraw();
  };
  if (media.tagName === "IMG") Object.assign(media, { alt: upload.file.name, loading: "lazy", decoding: "async" });
  return media;
}

const frame = once("previews of a frame", () => ({ made: 0 }));

/** At once for a few, and a few in each frame for hundreds: the page answers meanwhile. */
function soon(make) {
  if (!frame.made) requestAnimationFrame(() => (frame.made = 0));
  if (frame.made++ < AT_ONCE) make();
  else requestAnimationFrame(() => soon(make));
}

/** Gives back the addresses of what isn't shown any more. */
export function revoke({ urls }, drawn) {
  for (const [upload, { url, shown }] of urls) {
    if (drawn.includes(upload) && isShown(upload)) continue;
    for (const media of shown) if (!media.complete) media.removeAttribute("src"); // it would still be loaded
    URL.revokeObjectURL(url);
    urls.delete(upload);
  }
}

function write(part, upload, texts) {
  const kind = part.dataset.upload;
  const progress = upload.hasFailed && !upload.keeper ? 0 : upload.progress; // nothing is left of what was refused
  if (kind === "bar") move(part, 0 < progress && progress < 100 ? upload.written / upload.file.size : progress / 100);
  else if (part.tagName === "PROGRESS") part.value !== progress && (part.value = progress);
  else if (kind in texts && part.textContent !== texts[kind]) part.textContent = texts[kind];
}

const SAYS = {
  queued: gettext("Waiting"),
  resuming: gettext("Reconnecting…"),
  paused: gettext("Paused"),
  complete: gettext("Done"),
  error: gettext("Refused"),
  offline: gettext("You're offline"),
  waiting: gettext("Waiting for the network…"),
};

function words({ file, status, line, error, progress, rate, detail }) {
  const isMoving = status === "uploading" && progress < 100 && rate > 0;
  return {
    name: file.name,
    size: bytes(file.size),
    progress: percent(progress),
    rate: isMoving ? speed(rate) : "",
    eta: isMoving ? gettext("%(time)s left", { time: duration(detail.eta) }) : "",
    status: error || said(status, line, progress),
    error,
  };
}

function said(status, line, progress) {
  if (status !== "uploading") return SAYS[(/queued|resuming/.test(status) && line) || status] ?? "";
  if (line) return `${percent(progress)} · ${SAYS[line]}`;
  return progress < 100 ? gettext("Uploading %(progress)s", { progress: percent(progress) }) : gettext("Checking…");
}
