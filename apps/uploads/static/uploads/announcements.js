// What happens when an upload ends: a failure is shown, and screen readers are told the outcome once.

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
// Styled here and not by a class, so that it is hidden on pages without our style sheet, too.
const unseen = { position: "absolute", width: "1px", height: "1px", margin: "-1px", border: 0, padding: 0, overflow: "hidden" };
Object.assign(region.style, unseen);
top.add(region);

const gathered = once("gathered", () => []); // lines to announce

/** Called when an upload is complete, has failed or was cancelled. */
export function announce(uploads, upload) {
  const { status, code, error, slot, file } = upload;
  if (status === "error") {
    upload.isFinal = FINAL.has(code) || !file.size;
    upload.revision++;
    uploads.redraw();
  }
  if (status === "complete") say(`${file.name}: uploaded.`);
  if (status === "error" && hasRows(uploads, slot)) say(`${file.name}: ${error}`, "unshift"); // else an alert says it
}

function hasRows(uploads, slot) {
  return [...uploads.view.all("dj-upload-progress", slot)].some((element) => element.tagName !== "PROGRESS");
}

function say(line, how = "push") {
  if (!gathered.length) setTimeout(speak, GATHER);
  gathered[how](line);
}

function speak() {
  const lines = gathered.splice(0);
  const more = lines.length - MANY;
  region.textContent = lines.slice(0, MANY).join(" ") + (more > 0 ? ` And ${more} more.` : "");
}
