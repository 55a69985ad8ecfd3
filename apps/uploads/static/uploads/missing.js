// For slots whose modules don't come, though the server can be reached: their files are sent without being resumable, or
// are refused if they can't be verified. Loaded when one has waited for long.

const NO_DIGESTS = { isMissing: true, DigestSender: class {} };
const NO_STORE = { find: () => "", save() {}, forget() {}, draw() {} };

/** Puts something into the place of the modules, until they are there after all. */
export function goWithout(uploads) {
  const { live, slots, early } = uploads;
  if (!live.isMounted) return;
  for (const [name] of early) {
    const { verify, resumable } = slots.get(name) ?? {};
    if (verify) uploads.digests ??= NO_DIGESTS;
    if (resumable) uploads.resuming ??= { store: NO_STORE, ask: (upload) => startOver(uploads, upload) };
  }
  uploads.chooseEarly();
}

function startOver(uploads, upload) {
  upload.renew();
  uploads.become(upload, "queued");
  uploads.register(upload);
}
