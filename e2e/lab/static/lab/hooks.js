// What the lab's pages do with hooks: they write down what happens to them.

window.told = [];

window.liveview?.hook("Probe", {
  mounted() {
    this.tell("mounted");
    this.handle("ping", (detail) => this.tell(`ping ${JSON.stringify(detail)}`));
  },
  updated() {
    this.tell("updated");
  },
  destroyed() {
    this.tell("destroyed");
  },
  disconnected() {
    this.tell("disconnected");
  },
  reconnected() {
    this.tell("reconnected");
  },
  tell(what) {
    window.told.push(`${this.el.id} ${what}`);
  },
});
