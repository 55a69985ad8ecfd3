// Loads modules when they are needed. A network that fails costs only time.

import { once } from "./once.js";

const SAYS = "Part of this page couldn't be loaded. Trying again automatically…";
const REMEMBERED = /^error loading dynamically imported module: ([^#]+\/([^#]+))/; // Firefox asks for no address twice

/** What is waited for: import → what the visitor is told meanwhile. `tell` is set by status.js. @type {LiveView.Loading} */
export const loading = once("loading", () => ({ waiting: new Map(), tell() {} }));
const { waiting } = loading;

/** @type {LiveView.Load} */
export async function load(start, says = SAYS) {
  let attempt = start;
  for (let tries = 0; ; tries++) {
    try {
      const module = await attempt();
      if (waiting.delete(start)) tell();
      return module;
    } catch (/** @type {any} */ error) {
      console.warn(error);
      const [, address, name] = REMEMBERED.exec(error?.message) ?? [];
      if (address && String(start).includes(name)) attempt = () => import(`${address}#${tries}`);
      waiting.set(start, says);
      tell();
      await new Promise((resolve) => {
        setTimeout(resolve, Math.min(500 * 2 ** tries, 15_000) * (0.5 + Math.random() / 2));
        addEventListener("online", resolve, { once: true });
      });
    }
  }
}

const tell = () => loading.tell([...new Set(waiting.values())].join(" "));
