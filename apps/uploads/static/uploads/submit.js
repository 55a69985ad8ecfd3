// What submitting a form means for each of its uploads, by status.

const ON_SUBMIT = new Map(
  Object.entries({
    queued: "start",
    paused: "start",
    uploading: "wait",
    resuming: "wait",
    complete: "go",
    error: "block",
    cancelled: "go",
  }),
);

/** The uploads to start now, and what the form does: "block", "wait" or "go". */
export function onSubmit(uploads, skips = false) {
  const answers = uploads.map(({ status }) => (skips && status === "error" ? "go" : ON_SUBMIT.get(status)));
  const start = uploads.filter((_, i) => answers[i] === "start");
  if (answers.includes("block")) return { start: [], verdict: "block" };
  return { start, verdict: answers.every((answer) => answer === "go") ? "go" : "wait" };
}
