// For slots whose module doesn't come, though the server can be reached: their files are sent without being resumable.
// Loaded when one has waited for long.

const NO_STORE = { find: () => "", save() {}, forget() {}, draw() {} };

/** Puts something into the place of the module, until it is there after all. */
export function goWithout(uploads) {
  const { live, slots, early } = uploads;
  if (!live.isMounted) return;
  for (const [name] of early) {
    if (slots.get(name)?.resumable) uploads.resuming ??= { store: NO_STORE, ask: (upload) => startOver(uploads, upload) };
  }
  uploads.chooseEarly();
}

function startOver(uploads, upload) {
  upload.renew();
  uploads.become(upload, "queued");
  uploads.register(upload);
}
