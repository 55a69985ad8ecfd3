// A project's own module, which imports the page's client as docs/liveview.md says, and registers what it has.

import { live } from "/static/liveview/client.js";
import { uploaders } from "../uploads/external.js";

window.mine = { live, uploaders, mounted: 0 };

live?.hook("Mine", {
  mounted() {
    window.mine.mounted++;
    this.el.addEventListener("click", () => this.event("count", { what: "hook" }));
  },
});
