// dj-debounce="ms" or "blur" waits for a pause, dj-throttle="ms" acts at once and then not for a while.

import { dom } from "./dom.js";
import { once } from "./once.js";

const PACED = "[dj-debounce], [dj-throttle]";

/** @type {LiveView.Pace} */
const own = {
  held: new Set(),

  run(element, kind, field, act) {
    const found = dom(field).closest(PACED);
    // A field outside of its form has its own pace, or the form's.
    const source = [found, element].find((el) => el && dom(el).matches(PACED) && (el === field || dom(element).contains(el)));
    const paced = source && dom(source);
    const pause = paced?.getAttribute("dj-debounce");
    const every = pause ? 0 : Number(paced?.getAttribute("dj-throttle"));
    const held = [...this.held].find((one) => one.element === element && one.kind === kind);
    if (held && every) {
      if (/change|input/.test(kind)) held.act = act; // a field's last value counts, too
      return;
    }
    if (held) this.drop(held);
    const next = { element, kind, field, act };
    if (pause) this.hold(next, Number(pause), 0);
    else this.now(next, every);
  },

  flush(wanted) {
    for (const held of [...this.held]) if (wanted(held.field)) this.now(held, 0);
  },

  now(held, every) {
    const { act } = held;
    held.act = null;
    this.drop(held);
    act?.();
    if (act && every) this.hold(held, every, every);
  },

  hold(held, wait, every) {
    this.held.add(held);
    // "blur" isn't a number.
    if (wait >= 0) held.timer = setTimeout(() => this.now(held, every), wait);
  },

  drop(held) {
    clearTimeout(held.timer);
    this.held.delete(held);
  },
};

export const pace = once("pace", () => own);
