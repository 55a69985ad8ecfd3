// For a view that takes no uploads, as its class is without UploadMixin: files are left to its forms, and these to the
// browser. Loaded when a file is chosen before the slots are known.

import { gettext } from "../liveview/client.js";

const NOWHERE = gettext("This page doesn't accept that upload.");
const WITH_FORM = gettext("The file is sent with its form, so its progress can't be shown.");

/** Finds out whether there are slots: a server that has any tells them before it answers what it is asked now. */
export function ask(forms) {
  const { uploads } = forms;
  const { live } = uploads;
  uploads.mounted = () => live.connection.probe();
  uploads.answered = () => {
    if (!live.isMounted) return;
    delete uploads.mounted;
    delete uploads.answered;
    if (!uploads.isReady) leave(forms);
  };
  if (live.isMounted) uploads.mounted();
}

function leave(forms) {
  const { uploads } = forms;
  forms.isLeft = true;
  const isPosted = uploads.early.some(([slot, , giver]) => forms.isPosted(forms.formFor(slot, giver)));
  uploads.live.received({ type: "flash", level: "error", text: isPosted ? WITH_FORM : NOWHERE });
  for (const check of uploads.waiters) check();
}
