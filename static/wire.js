// What is on the page's socket, while one looks: messages, chunks, the window, the rate, and where it was cut and went on.
// Its address is #wire.

import { gettext, live } from "./liveview/client.js";

const EVERY = 250; // ms between two drawings
const SAMPLES = 240; // of the plot: a minute
const LINES = 120; // kept in the log
const ADDRESS = "#wire";
const LONGEST = 180; // characters of a message

class Wire {
  constructor(panel, button) {
    this.panel = panel;
    this.log = panel.querySelector(".wire-log");
    this.line = panel.querySelector("polyline");
    this.facts = new Map(Array.from(panel.querySelectorAll("[data-wire]"), (fact) => [fact.dataset.wire, fact]));
    this.button = button;
    this.lines = []; // not yet in the log
    this.samples = new Array(SAMPLES).fill(0);
    this.sent = this.received = this.before = 0;
    this.marks = { cut: [], resume: [] }; // when, in ms
    button.addEventListener("click", () => this.toggle());
    addEventListener("hashchange", () => this.show(location.hash === ADDRESS));
    live.use({
      disconnected: () => this.mark("cut"),
      received: ({ type, accepted, offset }) => type === "upload_resume_ack" && accepted && offset && this.mark("resume"),
    });
    this.show(location.hash === ADDRESS);
  }

  toggle() {
    history.replaceState(history.state, "", this.panel.hidden ? ADDRESS : location.pathname + location.search);
    this.show(this.panel.hidden);
    this.panel.scrollIntoView({ block: "nearest" });
  }

  show(isOpen) {
    this.button.setAttribute("aria-expanded", String(isOpen));
    this.panel.hidden = !isOpen;
    clearInterval(this.timer);
    if (isOpen) this.open();
  }

  async open() {
    import("./chaos.js");
    this.tap();
    this.numbers ??= await import("./liveview/numbers.js"); // a page is live without it
    clearInterval(this.timer);
    if (this.panel.hidden) return;
    this.timer = setInterval(() => this.draw(), EVERY);
    this.draw();
  }

  mark(kind) {
    this.marks[kind].push(performance.now());
  }

  /** Looks on, once and from then on: what others have put around these functions stays. */
  tap() {
    if (this.isTapped) return;
    this.isTapped = true;
    for (const [method, arrow] of [["sendBinary", "↑"], ["receive", "↓"]]) {
      const go = live.connection[method].bind(live.connection);
      live.connection[method] = (data) => {
        this.saw(arrow, data);
        return go(data);
      };
    }
  }

  saw(arrow, data) {
    const size = data.byteLength ?? new Blob([data]).size;
    if (arrow === "↑") this.sent += size;
    else this.received += size;
    if (this.panel.hidden) return;
    this.lines.push([arrow, typeof data === "string" ? data.slice(0, LONGEST) : size]);
    if (this.lines.length > LINES) this.lines.shift();
  }

  draw() {
    const rate = ((this.sent - this.before) * 1000) / EVERY;
    this.before = this.sent;
    this.samples.push(rate);
    this.samples.shift();
    const most = Math.max(1, ...this.samples);
    this.line.setAttribute("points", this.samples.map((value, x) => `${x},${58 - (56 * value) / most}`).join(" "));
    for (const [kind, times] of Object.entries(this.marks)) {
      const places = times.map((time) => SAMPLES - (performance.now() - time) / EVERY).filter((x) => x > 0);
      this.panel.querySelector(`path.wire-${kind}`).setAttribute("d", places.map((x) => `M${x.toFixed(1)},0V60`).join(""));
    }
    const { bytes, measure, rate: speed } = this.numbers;
    const window = live.extensions.find((extension) => extension.sender)?.sender.window;
    this.tell("sent", bytes(this.sent));
    this.tell("received", bytes(this.received));
    this.tell("rate", speed(rate));
    this.tell("flight", window ? bytes(window.inFlight) : "–");
    this.tell("window", window ? bytes(window.target) : "–");
    this.tell("trip", window && window.shortest < Infinity ? measure(window.shortest, 1, "ms") : "–");
    this.write();
  }

  tell(name, text) {
    const fact = this.facts.get(name);
    if (fact.textContent !== text) fact.textContent = text;
  }

  write() {
    const { log } = this;
    if (!this.lines.length) return;
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(...this.lines.splice(0).map(([arrow, what]) => entry(arrow, this.say(what))));
    while (log.children.length > LINES) log.firstElementChild.remove();
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  }

  /** A message's text, or the size of a chunk. */
  say(what) {
    return typeof what === "string" ? what : gettext("chunk, %(size)s", { size: this.numbers.bytes(what) });
  }
}

function entry(arrow, text) {
  const line = document.createElement("p");
  const way = line.appendChild(document.createElement("b"));
  way.textContent = arrow;
  way.role = "img";
  way.setAttribute("aria-label", arrow === "↑" ? gettext("sent") : gettext("received"));
  line.appendChild(document.createElement("code")).textContent = text;
  return line;
}

const button = document.getElementById("wire-button");
if (live && button) new Wire(document.getElementById("wire"), button);
