// Loads modules. A network that fails costs only time.

import { once } from "./once.js";

const FAILED = /dynamically imported module: ([^#]+\/([^#]+))/; // Firefox asks for no address twice, nor does Chrome 150

/** waiting: import → what the visitor is told meanwhile. status.js sets the others. @type {LiveView.Loading} */
export const loading = once("loading", () => ({ waiting: new Map(), says: "", tell() {} }));
const { waiting } = loading;

/** @type {LiveView.Load} */
export async function load(start, says = loading.says) {
  let attempt = start;
  for (let tries = 0; ; tries++) {
    try {
      const module = await attempt();
      if (waiting.delete(start)) tell();
      return module;
    } catch (/** @type {any} */ error) {
      console.warn(error);
      const [, address, name] = FAILED.exec(error?.message) ?? [];
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
