// dj-hook="Name": the page's own JavaScript, tied to the lifetime of an element.

import { dom } from "./dom.js";
import { live, run } from "./live.js";
import { once } from "./once.js";

const PATIENCE = 10_000; // ms in which a hook's module has to be there

/** @type {LiveView.Hooks} */
const own = {
  alive: new Map(),

  changed() {
    for (const [element, hook] of this.alive) {
      if (dom(element).isConnected && dom(element).getAttribute("dj-hook") === hook.name) continue;
      this.alive.delete(element);
      hook.listening.abort();
      run(hook, "destroyed");
    }
    for (const element of live.root.querySelectorAll("[dj-hook]")) {
      const hook = this.alive.get(element);
      if (hook) run(hook, "updated");
      else this.mount(element);
    }
  },

  disconnected() {
    this.alive.forEach((hook) => run(hook, "disconnected"));
  },

  reconnected() {
    this.alive.forEach((hook) => run(hook, "reconnected"));
  },

  mount(el) {
    const name = dom(el).getAttribute("dj-hook");
    const functions = live.hooks.get(name);
    if (!functions) {
      setTimeout(() => live.hooks.has(name) || console.warn(`There is no hook "${name}".`), PATIENCE);
      return;
    }
    const listening = new AbortController();
    /** @type {LiveView.Hook} */
    const own = {
      name,
      el,
      listening,
      event: live.event.bind(live),
      call: live.call.bind(live),
      handle: (event, act) => addEventListener("live:" + event, (/** @type {any} */ e) => act(e.detail), listening),
    };
    const hook = Object.assign(Object.create(functions), own);
    this.alive.set(el, hook);
    run(hook, "mounted");
  },
};

export const hooks = once("hooks", () => own);
