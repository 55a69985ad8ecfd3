// What the visitor is told about the connection, and passing messages.

const PATIENCE = 700; // ms before a lost connection is worth a word
const READING = 6_000; // ms a flash stays; errors stay until dismissed

/** @type {LiveView.Status} */
export const status = {
  texts: {
    reconnecting: "Reconnecting…",
    failed: "There is no live connection. Reload the page to try again.",
  },
  banner: make("div", "live-banner"),
  flashes: make("div", "flashes"),

  start() {
    this.banner.role = "status";
    document.body.append(this.banner, this.flashes);
  },

  show(state) {
    clearTimeout(this.timer);
    const apply = () => {
      const { classList } = document.documentElement;
      classList.remove("live-" + this.shown);
      classList.add("live-" + state);
      this.shown = state;
      this.banner.textContent = this.texts[state] ?? "";
    };
    if (state === "reconnecting") this.timer = setTimeout(apply, PATIENCE);
    else apply();
  },

  flash(level, text) {
    const isError = level === "error";
    const flash = make("div", "flash " + level);
    const close = make("button", "flash-close");
    flash.role = isError ? "alert" : "status";
    close.ariaLabel = "Dismiss";
    close.textContent = "×";
    close.onclick = () => flash.remove();
    this.flashes.append(flash);
    flash.append(text, close);
    if (!isError) setTimeout(() => flash.remove(), READING);
  },
};

/** @param {string} tag @param {string} className */
function make(tag, className) {
  return Object.assign(document.createElement(tag), { className });
}
