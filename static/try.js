// The start page: a file travels, its plug is pulled, and what has arrived is compared with what was sent.

import { gettext, live } from "./liveview/client.js";
import { document, dom } from "./liveview/dom.js";
import { bytes, measure, number, percent } from "./liveview/numbers.js";
import { trouble } from "./trouble.js";

const MOST_RANDOM = 65_536; // bytes that a browser makes at a time
const LASTS = 10; // seconds for which a file travels, if it is slowed down
const SLOWEST = 100_000; // bytes per second
const RUNNING = new Set(["queued", "uploading", "resuming"]);

/** Tied to the card by dj-hook="Try". Everything that it writes is in elements with dj-ignore. */
const Try = {
  mounted() {
    const part = (name) => this.el.querySelector(`[data-try=${name}]`);
    for (const name of ["make", "plug", "slow", "log", "own", "verdict"]) this[name] = part(name);
    this.placeholder = this.own.textContent;
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
    for (let left = Number(this.el.dataset.made); left > 0; left -= MOST_RANDOM) {
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
    if (detail.status === "error") this.forget();
    this.draw();
  },

  begin({ ref, total }) {
    Object.assign(this, { ref, total, digest: "", of: ref, hasBegun: false, isDone: false, connections: 1, began: performance.now() });
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
    const facts = { size: bytes(total), time: seconds(performance.now() - this.began), count: number(this.connections) };
    if (this.connections === 1) this.say(gettext("Arrived: %(size)s in %(time)s.", facts));
    else this.say(gettext("Arrived: %(size)s in %(time)s, over %(count)s connections.", facts));
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
    this.say(gettext("Unplugged at %(progress)s.", { progress: percent(this.percent) }));
    this.notch(this.percent);
    trouble.unplug(live.connection);
    this.draw();
  },

  /** Where it was unplugged, on the bar. */
  notch(...percents) {
    this.notches = percents.length ? [...this.notches, ...percents] : [];
    const way = getComputedStyle(this.el).direction === "rtl" ? 270 : 90;
    const lines = this.notches.map((at) => `linear-gradient(${way}deg, #0000 calc(${at}% - 2px), var(--live-danger) 0 ${at}%, #0000 0)`);
    this.el.style.setProperty("--notches", lines.join() || "none");
  },

  received({ type, accepted, offset }) {
    if (type !== "upload_resume_ack" || !this.isRunning) return;
    this.connections++;
    const after = this.backAfter ? `${gettext("Back after %(time)s.", { time: seconds(this.backAfter) })} ` : "";
    this.backAfter = 0;
    const facts = { size: bytes(offset), progress: percent(Math.floor((100 * offset) / this.total)) };
    const next = accepted ? gettext("The server has %(size)s: it goes on from %(progress)s.", facts) : gettext("The server starts over.");
    this.say(after + next);
  },

  draw() {
    this.plug.textContent = this.unpluggedAt ? gettext("Plug it back in") : gettext("Pull the plug");
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
    if (!isSecureContext || !globalThis.crypto?.subtle) return this.tell(gettext("Needs a secure page (HTTPS)."));
    const { worker, whole, block } = this.el.dataset;
    this.tell("…");
    this.worker = new Worker(worker);
    this.worker.onerror = () => this.tell(gettext("This browser can't make it here."));
    this.worker.onmessage = ({ data: { digest } }) => {
      this.digest = digest ?? "";
      this.tell(digest ?? gettext("The file can't be read any more."));
      this.compare();
    };
    this.worker.postMessage({ file, whole: Number(whole), block: Number(block) });
  },

  tell(text) {
    this.own.textContent = text;
  },

  /** It was refused: the one before is shown again, if the server's digest of that is still there. */
  forget() {
    this.worker?.terminate();
    const { digest = "", of = "" } = (this.proven?.of === this.arrived.ref && this.proven) || {};
    Object.assign(this, { digest, of, hasBegun: false });
    this.tell(digest || this.placeholder);
    this.compare();
  },

  get arrived() {
    return this.el.querySelector("[data-digest]")?.dataset ?? {};
  },

  compare() {
    const { ref, digest } = this.arrived;
    const isKnown = Boolean(this.digest && digest && ref === this.of);
    const isEqual = isKnown && digest === this.digest;
    if (isEqual) this.proven = { digest, of: ref };
    const { verdict } = this;
    verdict.dataset.verdict = isKnown ? (isEqual ? "equal" : "different") : "";
    verdict.firstElementChild.textContent = isKnown && !isEqual ? "≠" : "=";
    verdict.lastElementChild.textContent = isKnown ? (isEqual ? gettext("Equal, to the last bit.") : gettext("Different: please tell us.")) : "";
  },
};

function seconds(ms) {
  return measure(ms / 1000, 1, "s");
}

if (live) {
  trouble.install(live.connection);
  live.hook("Try", Try);
}
