// The controls that let visitors break their own connection, and tell what the page does about it.

import { gettext, live } from "./liveview/client.js";
import { document, dom } from "./liveview/dom.js";
import { measure, number } from "./liveview/numbers.js";
import { trouble } from "./trouble.js";

const MOST_LINES = 50;

/** The log, in words; also an extension of the page, which tells it of the connection. */
class Chaos {
  constructor(panel) {
    this.list = panel.querySelector("[role=log]");
    this.started = performance.now();
    panel.addEventListener("click", (e) => this.press(dom(e.target).closest("[data-chaos]")?.dataset.chaos));
    panel.querySelector("select").addEventListener("change", (e) => this.throttle(e.target));
    addEventListener("djust:upload:progress", ({ detail }) => this.progressed(detail));
  }

  press(what) {
    if (!what) return;
    this.log(what === "cut" ? gettext("You cut the connection.") : gettext("You silenced the connection."));
    trouble[what](live.connection);
  }

  throttle({ value, selectedOptions }) {
    trouble.throttle(Number(value));
    this.log(gettext("You set the speed: %(speed)s.", { speed: selectedOptions[0].text }));
  }

  disconnected() {
    this.lostAt = performance.now();
    this.log(gettext("The connection is lost. Trying again…"));
  }

  reconnected() {
    this.log(gettext("Connected again after %(time)s.", { time: seconds(performance.now() - this.lostAt) }));
  }

  received({ type, accepted, offset }) {
    if (type !== "upload_resume_ack") return;
    if (!accepted) return this.log(gettext("The server doesn't take it up: the upload waits or starts over."));
    this.log(gettext("The server has measured %(size)s bytes: the upload goes on from there.", { size: number(offset) }));
  }

  progressed({ status, name }) {
    if (status === this.status) return;
    this.status = status;
    if (WORDS.has(status)) this.log(WORDS.get(status)(name));
  }

  log(text) {
    const line = document.createElement("p");
    const time = line.appendChild(document.createElement("time"));
    time.textContent = seconds(performance.now() - this.started);
    line.appendChild(document.createElement("span")).textContent = text;
    this.list.append(line);
    while (this.list.children.length > MOST_LINES) this.list.firstElementChild.remove();
    this.list.scrollTop = this.list.scrollHeight;
  }
}

const WORDS = new Map([
  ["uploading", (name) => gettext("Sending %(name)s", { name })],
  ["resuming", (name) => gettext("Asking where to go on with %(name)s", { name })],
  ["paused", (name) => gettext("Paused %(name)s", { name })],
  ["complete", (name) => gettext("The server has all of %(name)s", { name })],
  ["error", (name) => gettext("Refused: %(name)s", { name })],
  ["cancelled", (name) => gettext("Removed %(name)s", { name })],
]);

function seconds(ms) {
  return measure(ms / 1000, 1, "s");
}

const panel = document.getElementById("chaos");
if (live && panel) {
  trouble.install(live.connection);
  live.use(new Chaos(panel));
  panel.hidden = false; // now they do what they say
}
