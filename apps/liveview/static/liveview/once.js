// What a page has one of, from however many addresses its modules come: a storage may put a hash into some names and
// not into others, and a deployment may leave two versions of a module on one page.

const KEY = Symbol.for("liveview");

/** Made by whoever asks first; from then on everybody's. @type {LiveView.Once} */
export function once(name, make) {
  const made = (/** @type {any} */ (window)[KEY] ??= {});
  return (made[name] ??= make());
}
