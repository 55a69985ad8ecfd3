// Errors that would lie behind an open dialog are shown with the flash messages until it is closed. Loaded for the first.

import { dom } from "../liveview/dom.js";
import { place } from "../liveview/flash.js";
import { once } from "../liveview/once.js";
import { top } from "../liveview/top.js";

const uploads = once("uploads", () => null);

top.watchers.add(() => uploads.redraw());
place.addEventListener("click", (e) => uploads.live.root.contains(place) || uploads.clicked(e)); // which the page doesn't see

/** Whether an element can't be reached now. */
export const isBehind = (element) => top.modal !== undefined && !dom(top.modal).contains(element);

/** Puts a list of errors behind the element that it is for, or above the dialog that hides that. */
export function put(list, element) {
  const isOver = isBehind(element);
  if (isOver ? list.parentNode === place : list.previousElementSibling === element) return;
  if (isOver) place.append(list);
  else dom(element).after(list);
}
