// For developers: logs and delays all messages.

import { once } from "./once.js";

const now = once("tap", () => ({ log: false, ms: 0, isInstalled: false }));

/** @type {LiveView.Tap} */
export function tap(connection, how) {
  Object.assign(now, how);
  if (now.isInstalled) return;
  now.isInstalled = true;
  for (const [method, arrow] of [["sendBinary", "→"], ["receive", "←"]]) {
    const go = connection[method].bind(connection);
    connection[method] = (/** @type {unknown} */ data) => {
      if (now.log) console.log(arrow, data);
      if (now.ms) setTimeout(go, now.ms, data);
      else go(data);
    };
  }
}
