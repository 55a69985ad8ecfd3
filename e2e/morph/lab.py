"""A page with morph.js, the modules it imports, and one element to morph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route

MODULES = Path(__file__).resolve().parents[2] / "apps/liveview/static/liveview"
ORIGIN = "http://morph.test"

HELPERS = """
window.$ = (selector) => document.querySelector(selector);
window.parsed = (root, html) => {
  const fresh = document.importNode(root, false);
  fresh.innerHTML = html;
  return fresh;
};
// Attributes in order of name: an added attribute comes last in the DOM, wherever the server wrote it.
window.attributesOf = (el) => Reflect.get(Element.prototype, "attributes", el);
window.normal = (root) => {
  const sorted = root.cloneNode(true);
  const visit = (parent) => {
    for (const el of parent.querySelectorAll("*")) {
      const attributes = [...attributesOf(el)].sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const attr of attributes) el.removeAttributeNode(attr);
      for (const attr of attributes) el.setAttributeNode(attr);
      if (el.content) visit(el.content);
    }
  };
  visit(sorted);
  return sorted.innerHTML;
};
window.exact = (root, html) => {
  const fresh = parsed(root, html);
  return root.isEqualNode(fresh) && normal(root) === normal(fresh);
};
"""


class Lab:
    """A page with the module and one `#root` in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.warnings: list[str] = []
        page.on("console", lambda message: self.warnings.append(message.text) if message.type == "warning" else None)
        page.route(f"{ORIGIN}/**", self.serve)
        page.goto(f"{ORIGIN}/")
        page.evaluate("import('/morph.js').then((module) => { Object.assign(window, module); })")
        page.add_script_tag(content=HELPERS)

    def serve(self, route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if name.endswith(".js"):
            route.fulfill(body=(MODULES / name).read_text(), content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><div id=root></div>", content_type="text/html")

    def paint(self, html: str, root: str = "div") -> None:
        self.page.evaluate(
            """([tag, html]) => {
              const svg = tag === "svg";
              const root = document.createElementNS(`http://www.w3.org/${svg ? "2000/svg" : "1999/xhtml"}`, tag);
              root.id = "root";
              root.innerHTML = html;
              $("#root").replaceWith(root);
              remember(root);
            }""",
            [root, html],
        )

    def morph(self, html: str, keep: str = "") -> None:
        """`keep` is a JavaScript expression for the option of that name."""
        self.page.evaluate(f"(html) => morph($('#root'), html, {f'{{keep: {keep}}}' if keep else '{}'})", html)

    def js(self, expression: str, arg: Any = None) -> Any:
        return self.page.evaluate(expression, arg)

    def mark(self, *selectors: str) -> None:
        """Remembers these nodes for `same`."""
        self.js("(all) => { window.marked = new Map(all.map((one) => [one, $(one)])); }", list(selectors))

    def same(self, selector: str) -> bool:
        return self.js("(one) => $(one) !== null && $(one) === marked.get(one)", selector)

    def exact(self, html: str) -> bool:
        return self.js("(html) => exact($('#root'), html)", html)

    def html(self) -> str:
        return self.js("$('#root').innerHTML")
