// What a visitor is told whose form is too long for a message. Loaded with the first.

/** An error as the server would send it. @type {LiveView.Refusal} */
export function refusal(ref, text, size, most) {
  const { length } = text.replace(/\\(u....|.)/g, " ");
  const fit = Math.floor((length * most) / size / 100) * 100;
  const message = `This is too long to send. The limit is about ${fit.toLocaleString("en")} characters.`;
  return { ref, code: "too_large", message };
}
