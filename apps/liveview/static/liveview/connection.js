// The page's one WebSocket: opens it, keeps it alive, reopens it.

import { document } from "./dom.js";
import { CloseCode, messages } from "./messages.js";
import { once } from "./once.js";

const CRASHES = 8; // sockets in a row that broke soon after opening
const LATER = 5; // tries that count as made when we sent the server too much

/** @type {LiveView.Connection} */
const own = {
  path: "",
  state: "connecting",
  times: { heartbeat: 25_000, answer: 8_000, longest: 5_000, failed: 30_000, stable: 10_000, patience: 10_000 },
  socket: null,
  tries: 0,
  crashes: 0,
  openedAt: 0,

  start(path, owner) {
    this.path = path;
    this.owner = owner;
    addEventListener("online", () => this.retryNow());
    addEventListener("offline", () => this.probe());
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow());
    // A page with an open socket isn't put into the back/forward cache.
    addEventListener("pagehide", () => this.rest("reconnecting"));
    addEventListener("pageshow", (e) => e.persisted && this.retryNow());
    this.patience = setTimeout(() => navigator.onLine && this.become("failed"), this.times.patience);
    this.open();
  },

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  },

  open() {
    const socket = (this.socket = early.socket ?? new WebSocket(this.path));
    early.socket = null;
    if (socket.readyState > WebSocket.OPEN) return this.lost();
    this.await("answer");
    const opened = () => {
      this.openedAt = performance.now();
      this.await("heartbeat");
      this.owner?.opened();
    };
    if (this.isOpen) opened();
    socket.onopen = opened;
    socket.onmessage = (e) => {
      this.await("heartbeat");
      this.receive(e.data);
    };
    socket.onclose = (e) => this.lost(e.code);
  },

  send(message) {
    this.sendBinary(JSON.stringify(message));
  },

  sendBinary(data) {
    if (this.isOpen) this.socket?.send(data);
  },

  receive(data) {
    this.owner?.received(JSON.parse(data));
  },

  settled() {
    clearTimeout(this.patience);
    this.become("connected");
  },

  cut() {
    this.openedAt = 0;
    this.crash();
  },

  crash() {
    if (this.drop()) this.lost();
  },

  probe() {
    if (!this.isOpen) return;
    this.send(messages.heartbeat());
    this.await("answer");
  },

  retryNow() {
    if (this.socket) return this.probe();
    this.tries = this.crashes = 0;
    this.open();
  },

  rest(state) {
    this.drop();
    this.owner?.closed();
    this.become(state);
  },

  drop() {
    const { socket } = this;
    clearTimeout(this.timer);
    this.socket = null;
    if (!socket) return false;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    return true;
  },

  /** While an answer is due, silence is suspicious sooner. */
  await(what) {
    const time = this.owner?.isBusy ? "answer" : what;
    this.after(this.times[time], () => (what === "answer" ? this.cut() : this.probe()));
  },

  after(wait, act) {
    clearTimeout(this.timer);
    this.timer = setTimeout(act, wait);
  },

  lost(code) {
    const lived = this.openedAt && performance.now() - this.openedAt;
    this.drop();
    this.openedAt = 0;
    if (lived > this.times.stable) this.tries = this.crashes = 0;
    else if (lived) this.crashes++;
    this.owner?.closed();
    if (code === CloseCode.SESSION_ENDED) return this.owner?.reload();
    if (code === CloseCode.OVERRUN || code === CloseCode.RATE) this.tries = Math.max(this.tries, LATER);
    if (this.crashes >= CRASHES) this.become("failed");
    else if (this.state !== "failed") this.become("reconnecting");
    if (document.hidden && !this.owner?.isBusy) return; // visibilitychange reopens it
    this.after(this.wait(), () => this.open());
  },

  /** At first none, then exponential backoff with jitter. */
  wait() {
    const { failed, longest } = this.times;
    const most = this.state === "failed" ? failed : Math.min(longest, 100 * 2 ** this.tries);
    return this.tries++ ? (most / 2) * (1 + Math.random()) : 0;
  },

  become(state) {
    if (state === this.state) return;
    this.state = state;
    this.owner?.changed(state);
  },
};

export const connection = once("connection", () => own);

/** The page's first socket, opened while the rest is still to come. @type {{ socket: WebSocket | null }} */
const early = once("early", () => {
  /** @type {any} */
  const root = document.querySelector("[data-live-socket]");
  return { socket: root && new WebSocket(root.dataset.liveSocket) };
});
