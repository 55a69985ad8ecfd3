// The start page: a file travels, its plug is pulled, and what has arrived is compared with what was sent.

import { live } from "./liveview/client.js";
import { document, dom } from "./liveview/dom.js";
import { trouble } from "./trouble.js";

const MADE = 50_000_000; // bytes of the file that the page makes up
const MOST_RANDOM = 65_536; // bytes that a browser makes at a time
const LASTS = 10; // seconds for which a file travels, if it is slowed down
const SLOWEST = 100_000; // bytes per second
const RUNNING = new Set(["queued", "uploading", "resuming"]);

/** Tied to the card by dj-hook="Try". Everything that it writes is in elements with dj-ignore. */
const Try = {
  mounted() {
    const part = (name) => this.el.querySelector(`[data-try=${name}]`);
    for (const name of ["make", "plug", "slow", "log", "own", "verdict"]) this[name] = part(name);
    this.make.addEventListener("click", () => this.makeUp());
    this.plug.addEventListener("click", () => this.press());
    this.slow.addEventListener("change", () => this.pace());
    addEventListener("djust:upload:progress", ({ detail }) => detail.uploadName === "file" && this.progressed(detail));
    live.use({ received: (message) => this.received(message) });
  },

  updated() {
    this.compare();
  },

  /** However it came: by the button, or because the visitor came back to the tab. */
  reconnected() {
    this.backAfter = this.unpluggedAt && performance.now() - this.unpluggedAt;
    this.unpluggedAt = 0;
    this.draw();
  },

  // A file

  makeUp() {
    const parts = [];
    for (let left = MADE; left > 0; left -= MOST_RANDOM) {
      parts.push(crypto.getRandomValues(new Uint8Array(Math.min(left, MOST_RANDOM))));
    }
    const input = dom(this.el).querySelector("input[type=file]");
    const transfer = new DataTransfer();
    transfer.items.add(new File(parts, "made-up.bin"));
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  },

  progressed(detail) {
    if (detail.ref !== this.ref) this.begin(detail);
    Object.assign(this, { percent: detail.progress, status: detail.status });
    if (!this.hasBegun) this.look(detail);
    if (detail.status === "complete" && !this.isDone) this.done(detail);
    this.draw();
  },

  begin({ ref, total }) {
    Object.assign(this, { ref, total, digest: "", hasBegun: false, isDone: false, connections: 1, began: performance.now() });
    this.log.replaceChildren();
    this.notch();
    this.pace();
    this.compare();
  },

  /** The file is in its input, as soon as that has it. */
  look({ name, total }) {
    const file = Array.from(dom(this.el).querySelector("input[type=file]").files).find((one) => one.name === name && one.size === total);
    this.hasBegun = Boolean(file);
    if (file) this.hash(file);
  },

  done({ total }) {
    this.isDone = true;
    const times = this.connections > 1 ? `, over ${this.connections} connections` : "";
    this.say(`Arrived: ${bytes(total)} in ${seconds(performance.now() - this.began)}${times}.`);
  },

  pace() {
    trouble.throttle(this.slow.checked && this.total ? Math.max(SLOWEST, this.total / LASTS) : 0);
  },

  // Its plug

  get isRunning() {
    return RUNNING.has(this.status);
  },

  press() {
    if (this.unpluggedAt) return trouble.plug(live.connection);
    if (!this.isRunning) return;
    this.unpluggedAt = performance.now();
    this.say(`Unplugged at ${this.percent} %.`);
    this.notch(this.percent);
    trouble.unplug(live.connection);
    this.draw();
  },

  /** Where it was unplugged, on the bar. */
  notch(...percents) {
    this.notches = percents.length ? [...this.notches, ...percents] : [];
    const lines = this.notches.map((at) => `linear-gradient(90deg, #0000 calc(${at}% - 2px), var(--live-danger) 0 ${at}%, #0000 0)`);
    this.el.style.setProperty("--notches", lines.join() || "none");
  },

  received({ type, accepted, offset }) {
    if (type !== "upload_resume_ack" || !this.isRunning) return;
    this.connections++;
    const after = this.backAfter ? `Back after ${seconds(this.backAfter)}. ` : "";
    this.backAfter = 0;
    if (accepted) this.say(`${after}The server has ${bytes(offset)}: it goes on from ${Math.floor((100 * offset) / this.total)} %.`);
    else this.say(`${after}The server starts over.`);
  },

  draw() {
    this.plug.textContent = this.unpluggedAt ? "Plug it back in" : "Pull the plug";
    this.plug.ariaDisabled = String(!this.unpluggedAt && !this.isRunning);
    this.el.classList.toggle("is-unplugged", Boolean(this.unpluggedAt));
  },

  say(text) {
    this.log.appendChild(document.createElement("p")).textContent = text;
    this.log.scrollTop = this.log.scrollHeight;
  },

  // Its digests

  hash(file) {
    this.worker?.terminate();
    if (!isSecureContext || !globalThis.crypto?.subtle) return this.tell("Needs a secure page (HTTPS).");
    const { worker, whole, block } = this.el.dataset;
    this.tell("…");
    this.worker = new Worker(worker);
    this.worker.onerror = () => this.tell("This browser can't make it here.");
    this.worker.onmessage = ({ data: { digest } }) => {
      this.digest = digest ?? "";
      this.tell(digest ?? "The file can't be read any more.");
      this.compare();
    };
    this.worker.postMessage({ file, whole: Number(whole), block: Number(block) });
  },

  tell(text) {
    this.own.textContent = text;
  },

  compare() {
    const { ref, digest } = this.el.querySelector("[data-digest]")?.dataset ?? {};
    const isKnown = Boolean(this.digest && digest && ref === this.ref);
    const isEqual = isKnown && digest === this.digest;
    const { verdict } = this;
    verdict.dataset.verdict = isKnown ? (isEqual ? "equal" : "different") : "";
    verdict.firstElementChild.textContent = isKnown && !isEqual ? "≠" : "=";
    verdict.lastElementChild.textContent = isKnown ? (isEqual ? "Equal, to the last bit." : "Different: please tell us.") : "";
  },
};

function bytes(count) {
  const [divisor, unit] = count >= 1e6 ? [1e6, "MB"] : count >= 1e3 ? [1e3, "kB"] : [1, "bytes"];
  return `${(count / divisor).toFixed(count >= 1e6 ? 1 : 0)} ${unit}`;
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

if (live) {
  trouble.install(live.connection);
  live.hook("Try", Try);
}
