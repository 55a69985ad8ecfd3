// The controls that let visitors break their own connection, and tell what the page does about it.

import { live } from "./liveview/client.js";
import { document, dom } from "./liveview/dom.js";
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
    this.log(what === "cut" ? "You cut the connection." : "You silenced the connection.");
    trouble[what](live.connection);
  }

  throttle({ value, selectedOptions }) {
    trouble.throttle(Number(value));
    this.log(`You set the speed: ${selectedOptions[0].text}.`);
  }

  disconnected() {
    this.lostAt = performance.now();
    this.log("The connection is lost. Trying again …");
  }

  reconnected() {
    this.log(`Connected again after ${seconds(performance.now() - this.lostAt)}.`);
  }

  received({ type, accepted, offset }) {
    if (type !== "upload_resume_ack") return;
    if (accepted) this.log(`The server has measured ${offset.toLocaleString()} bytes: the upload goes on from there.`);
    else this.log("The server doesn't take it up: the upload waits or starts over.");
  }

  progressed({ status, name }) {
    if (status === this.status) return;
    this.status = status;
    if (WORDS.has(status)) this.log(`${WORDS.get(status)} ${name}`);
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
  ["uploading", "Sending"],
  ["resuming", "Asking where to go on with"],
  ["paused", "Paused"],
  ["complete", "The server has all of"],
  ["error", "Refused:"],
  ["cancelled", "Removed"],
]);

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

const panel = document.getElementById("chaos");
if (live && panel) {
  trouble.install(live.connection);
  live.use(new Chaos(panel));
  panel.hidden = false; // now they do what they say
}
