// What a page has one of, from however many addresses its modules come: with a hash, without, old and new.

const KEY = Symbol.for("liveview");

/** Made by whoever asks first; from then on everybody's. @type {LiveView.Once} */
export function once(name, make) {
  const made = (/** @type {any} */ (window)[KEY] ??= {});
  return (made[name] ??= make());
}
