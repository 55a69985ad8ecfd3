// What screen readers are told, in one polite region of the page: that an upload is complete or refused, was paused or
// goes on, and how far all of them are, by quarters. What happens within a second is said together. Also decides whether
// a failed upload may be tried again. Loaded with the first file.

import { gettext } from "../liveview/client.js";
import { ngettext, percent as percentOf } from "../liveview/numbers.js";
import { once } from "../liveview/once.js";
import { top } from "../liveview/top.js";
import { make } from "./elements.js";

const GATHER = 1_000; // ms over which outcomes are gathered into one announcement
const MANY = 3; // outcomes to announce one by one
// Error codes after which a retry is pointless
const UNFIT = ["bad_name", "bad_ext", "empty", "too_large", "unknown_slot", "file_changed", "unreadable", "insecure", "invalid"];
const UNREADABLE = ["type_mismatch", "bad_content", "too_many_pixels", "too_many_frames", "too_much_work", "too_complex"];
const FINAL = new Set([...UNFIT, ...UNREADABLE, "no_video", "unsupported_codec", "too_long"]);

const region = once("announcements", () => make('<p role="status"></p>'));
// Styled here and not by a class, so that it is also hidden on pages without our style sheet.
const unseen = { position: "absolute", width: "1px", height: "1px", margin: "-1px", border: 0, padding: 0, overflow: "hidden" };
Object.assign(region.style, unseen);
top.add(region);

/** Lines to say, or functions that give one when the second is over. */
const gathered = once("gathered", () => []);
const heard = once("heard", () => new WeakMap()); // upload → the status that was heard last
/** The uploads that are under way together, and what was said of them last. */
const run = once("run", () => ({ uploads: new Set(), said: "", isDue: false, wasLate: false }));

/** Tells of a page's uploads from now on. */
export function listen(uploads) {
  addEventListener("djust:upload:progress", ({ detail }) => {
    const upload = uploads.find(detail.ref);
    if (upload) hear(uploads, upload);
  });
  for (const upload of uploads.uploads) hear(uploads, upload);
}

function hear(uploads, upload) {
  const { status, error, slot, file, isOver } = upload;
  const before = heard.get(upload);
  heard.set(upload, status);
  whole(uploads);
  if (before === status) return;
  if (status === "error") {
    judge(uploads, upload);
    if (hasRows(uploads, slot)) say(`${file.name}: ${error}`, "unshift"); // else an alert says it
  }
  if (status === "complete" && !uploads.view.summary?.sumsUp(slot)) say(gettext("%(name)s: uploaded.", { name: file.name }));
  if (status === "paused") say(gettext("%(name)s: paused.", { name: file.name }));
  if (before === "paused" && !isOver) say(gettext("%(name)s: resumed.", { name: file.name }));
}

function judge(uploads, upload) {
  upload.isFinal = FINAL.has(upload.code) || !upload.file.size;
  upload.revision++;
  uploads.redraw();
}

/** Says how far all uploads are, when that is worth a word. */
function whole({ uploads, forms }) {
  const open = uploads.filter((upload) => upload.isWanted && !upload.isOver && !forms.standsBack(upload));
  if (!open.length) Object.assign(run, { uploads: new Set(), said: "", wasLate: false });
  if (!open.some(({ status }) => /uploading|resuming/.test(status))) return;
  for (const upload of open) run.uploads.add(upload);
  const state = stateOf(open);
  if (state === run.said || !state) return;
  run.wasLate ||= run.said === "waiting";
  run.said = state;
  if (!run.isDue) say(sentence);
  run.isDue = true;
}

/** "waiting", or the quarter in which they are; "" towards the end, of which each tells by itself. */
function stateOf(open) {
  if (open.every(({ line, status }) => line || status === "resuming")) return "waiting";
  const quarter = Math.floor(percent() / 25);
  return quarter < 4 ? String(quarter) : "";
}

function percent() {
  const all = [...run.uploads].filter(({ isChosen }) => isChosen);
  const sum = (of) => all.reduce((total, upload) => total + of(upload), 0);
  return (100 * sum(({ written }) => written)) / sum(({ file }) => file.size);
}

/** What is still true of them. */
function sentence() {
  run.isDue = false;
  const { size } = run.uploads;
  if (!size) return "";
  const what = size === 1 ? [...run.uploads][0].file.name : ngettext("%(count)s file", "%(count)s files", size);
  return `${what}: ${how()}.`;
}

function how() {
  if (run.said === "waiting") return gettext("waiting for the network");
  const { wasLate } = run;
  run.wasLate = false;
  if (wasLate) return gettext("uploading again at %(progress)s", { progress: percentOf(Math.floor(percent())) });
  return run.said === "0" ? gettext("uploading") : percentOf(25 * Number(run.said));
}

function hasRows(uploads, slot) {
  return [...uploads.view.all("dj-upload-progress", slot)].some((element) => element.tagName !== "PROGRESS");
}

/** Says a line with the others of this second. */
export function say(line, how = "push") {
  if (!gathered.length) setTimeout(speak, GATHER);
  gathered[how](line);
}

function speak() {
  const lines = gathered.splice(0).map((line) => (typeof line === "string" ? line : line())).filter(Boolean);
  const more = lines.length - MANY;
  if (lines.length) region.textContent = lines.slice(0, MANY).join(" ") + (more > 0 ? " " + ngettext("And %(count)s more.", "And %(count)s more.", more) : "");
}
