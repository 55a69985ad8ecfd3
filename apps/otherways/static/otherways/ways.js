// The page: one file, a card for each way, and the list of what has arrived.
import { gettext } from "../liveview/gettext.js";
import { bytes as weight, measure, percent as percentOf } from "../liveview/numbers.js";
import { send as sendChunks } from "./chunks.js";
import { send as sendForm } from "./form.js";
import { send as sendSocket } from "./socket.js";
import { send as sendTus } from "./tus.js";
import { send as sendWhole } from "./whole.js";

/** @type {Record<string, import("./request.js").Way>} */
const WAYS = { form: sendForm, whole: sendWhole, chunks: sendChunks, socket: sendSocket, tus: sendTus };

const input = document.getElementById("file");
const cards = [...document.querySelectorAll("[data-way]")].map((element) => new Card(element));

input.addEventListener("change", chosen);
document.getElementById("send-all").addEventListener("click", () => cards.forEach((card) => card.send()));
document.addEventListener("submit", (e) => remove(e));
chosen();

function chosen() {
  const [file] = input.files;
  document.getElementById("chosen").textContent = file ? `${file.name}, ${weight(file.size)}` : "";
  document.getElementById("send-all").disabled = !file;
  for (const card of cards) card.offer(file ?? null);
}

function Card(element) {
  const part = (name) => element.querySelector(`[data-part=${name}]`);
  const [send, stop, bar, status] = ["send", "stop", "bar", "status"].map(part);
  const most = Number(element.dataset.most);
  let file = null;
  let control = null;
  send.addEventListener("click", () => this.send());
  stop.addEventListener("click", () => control?.abort());

  this.offer = (chosen) => {
    file = chosen;
    if (control) return;
    const fits = !file || file.size <= most;
    send.disabled = !file || !fits;
    bar.value = 0;
    say(fits ? "" : gettext("Too large for this way. The limit is %(limit)s.", { limit: weight(most) }), fits ? "" : "refused");
  };

  this.send = async () => {
    if (send.disabled || control) return;
    control = new AbortController();
    toggle(true);
    tell(0, file.size);
    const began = performance.now();
    try {
      const result = await WAYS[element.dataset.way](file, tell, control.signal);
      bar.value = 100;
      const time = measure((performance.now() - began) / 1000, 1, "s");
      say(`${gettext("Done in %(time)s.", { time })} `, "done", result.fileGuid ?? result.said ?? "");
      await refresh();
    } catch (error) {
      bar.value = 0;
      say(error.name === "AbortError" ? gettext("Stopped.") : error.message, "failed");
    } finally {
      control = null;
      toggle(false);
    }
  };

  function tell(bytes, total) {
    const percent = total ? Math.floor((100 * Math.min(bytes, total)) / total) : 0;
    bar.value = percent;
    const facts = { progress: percentOf(percent), bytes: weight(bytes), total: weight(total) };
    say(gettext("%(progress)s, %(bytes)s of %(total)s", facts), "sending");
  }

  function toggle(isSending) {
    const [come, gone] = isSending ? [stop, send] : [send, stop];
    const hadFocus = document.activeElement === gone;
    send.disabled = isSending || !file;
    stop.hidden = !isSending;
    if (hadFocus) come.focus();
  }

  function say(text, state, said = "") {
    const answer = document.createElement("bdi");
    answer.textContent = said;
    status.replaceChildren(text, answer);
    element.dataset.state = state;
  }
}

/** Deletes a file, or brings it back, without leaving the page. */
async function remove(e) {
  const form = e.target;
  if (!document.getElementById("received").contains(form)) return;
  e.preventDefault();
  try {
    await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" });
    await refresh();
  } catch {
    return form.submit(); // the browser says what is wrong
  }
  const next = document.querySelector("#undo button, #received button") ?? document.getElementById("received");
  next.focus({ preventScroll: true });
}

/** The server renders the list; the page takes it from there. */
async function refresh() {
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.getElementById("received").replaceWith(page.getElementById("received"));
}
