"""morph.js in a real browser: its DOM is exactly the server's, and what the visitor has in hand stays there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route

MODULE = Path(__file__).resolve().parents[1] / "apps/liveview/static/liveview/morph.js"
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

# A mulberry32 generator and documents made with it. An id sometimes changes its tag; text never meets text.
GENERATOR = """
window.documents = (seed) => {
  const random = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n) => Math.floor(random() * n);
  const pick = (list) => list[below(list.length)];
  const SVG = "http://www.w3.org/2000/svg";
  const words = ["", "a", "b", " a b", "constructor", "__proto__", "1 < 2", "é\\n"];
  const names = ["class", "title", "data-__proto__", "data-constructor", "hidden", "lang", "@click", "style"];
  const tags = ["div", "div", "p", "ul", "span", "b", "form", "table", "svg", "select", "input", "input", "textarea",
                "details", "template", "script", "noscript", "button", "my-tag"];
  const inside = { ul: ["li"], table: ["tbody"], tbody: ["tr"], tr: ["td", "td", "th"], select: ["option", "option",
    "optgroup"], optgroup: ["option"], svg: ["g", "a", "circle"], g: ["g", "a", "circle"], details: ["summary", "div"],
    p: ["b", "span", "input", "button"], span: ["b", "span", "input", "svg"], b: ["span"], button: ["b", "span"],
    form: ["div", "p", "input", "input", "select"], summary: ["b"], a: ["circle"] };
  const leaves = ["input", "textarea", "script", "noscript", "option", "circle"];
  const allIds = ["constructor", "__proto__", "id", "i3", "i4", "i5", "i6", "i7", "i8", "i9", "i10", "i11"];
  const ids = () => new Set(allIds);
  const attributes = (el, free) => {
    if (random() < 0.35 && free.size) {
      const id = pick([...free]);
      free.delete(id);
      el.id = id;
    }
    for (let n = below(3); n--; ) {
      const holder = document.createElement("template");
      holder.innerHTML = `<i ${pick(names)}></i>`;
      const attr = holder.content.firstChild.attributes[0].cloneNode();
      attr.value = pick(words);
      el.setAttributeNode(attr);
    }
    const maybe = (name, values) => random() < 0.5 && el.setAttribute(name, pick(values));
    if (el.localName === "input") {
      maybe("type", ["text", "checkbox", "radio", "hidden", "file", "email", "submit"]);
      maybe("name", ["attributes", "childNodes", "parentNode", "id"]);
      maybe("value", words);
      maybe("checked", [""]);
    }
    if (el.localName === "option") maybe("value", words), maybe("selected", [""]);
    if (el.localName === "select") maybe("multiple", [""]);
    if (el.localName === "details") maybe("open", [""]);
    if (el.localName === "circle") {
      if (random() < 0.5) el.setAttributeNS("http://www.w3.org/1999/xlink", "xlink:href", pick(words));
    }
  };
  const fill = (parent, tag, depth, free) => {
    if (leaves.includes(tag)) {
      if (!["input", "circle"].includes(tag)) parent.textContent = pick(["a", "b", "", "window.ran = true"]);
      return;
    }
    const target = parent.content ?? parent;
    const noText = ["ul", "table", "tbody", "tr", "select", "optgroup"].includes(tag);
    for (let n = below(depth > 4 ? 2 : 5); n--; ) {
      const kind = random();
      if (kind < 0.2 && !noText && target.lastChild?.nodeType !== 3) target.append(pick(["a", "b", " ", "1 < 2"]));
      else if (kind < 0.25) target.append(document.createComment(pick(["a", "b"])));
      else {
        let child = pick(inside[tag] ?? tags);
        if (child === "form" && target.closest?.("form")) child = "div";
        const svg = child === "svg" || ["svg", "g", "a"].includes(tag);
        const el = svg ? document.createElementNS(SVG, child) : document.createElement(child);
        target.append(el);
        attributes(el, child === "template" ? new Set() : free);
        fill(el, child, depth + 1, tag === "template" ? new Set() : free);
      }
    }
  };
  // An edit keeps most of the document: elements go, move (also to other parents), appear and change.
  const edit = (root) => {
    const free = ids();
    for (const el of root.querySelectorAll("[id]")) free.delete(el.id);
    for (let n = 1 + below(4); n--; ) {
      const all = [...root.querySelectorAll("div, p, li, span, b, input, tr, option, g, button, circle")];
      const el = all.length && pick(all);
      const kind = below(5);
      if (!el) continue;
      if (kind === 0) el.remove();
      else if (kind === 1) attributes(el, new Set());
      else if (kind === 2) fill(el, el.localName, 4, free);
      else {
        const places = [...root.querySelectorAll(kind === 3 ? el.parentNode.localName : "div")];
        const place = places.length && pick(places);
        const fits = place && !el.contains(place) && (kind === 3 || ["div", "p", "span", "b"].includes(el.localName));
        if (fits && !place.closest("p, span, b, button, svg")) place.insertBefore(el, pick([...place.children, null]));
      }
    }
  };
  const randomRoot = () => {
    const root = document.createElement("div");
    fill(root, "div", 0, ids());
    return root;
  };
  const root = randomRoot();
  return [root.innerHTML, ...Array.from({ length: 3 }, () => {
    if (random() < 0.3) return randomRoot().innerHTML;
    edit(root);
    return root.innerHTML;
  })];
};
window.unique = (root) => {
  const seen = new Map();
  for (const el of root.querySelectorAll("[id]")) seen.set(el.getAttribute("id"), seen.has(el.id) ? null : el);
  return seen;
};
window.check = (seed) => {
  const [first, ...rest] = documents(seed);
  const root = $("#root").cloneNode();
  $("#root").replaceWith(root);
  root.innerHTML = first;
  for (const html of rest) {
    const before = unique(root);
    const focusable = [...root.querySelectorAll("input[id], button[id]")].at(seed % 2);
    focusable?.focus();
    const focused = document.activeElement === focusable ? focusable : null;
    morph(root, html);
    if (!exact(root, html)) return `not exact: ${root.innerHTML} is not ${parsed(root, html).innerHTML}`;
    const after = unique(root);
    for (const [id, el] of after) {
      const old = before.get(id);
      const alike = el && old && el.localName === old.localName && el.namespaceURI === old.namespaceURI;
      if (alike && el.localName !== "script" && el !== old) return `another node for ${id}`;
    }
    const kept = focused && root.contains(focused) && focused.checkVisibility();
    if (kept && document.activeElement !== focused) return `focus lost from ${focused.outerHTML}`;
    const fresh = parsed(root, html).querySelectorAll("input, textarea");
    root.querySelectorAll("input, textarea").forEach((el, i) => {
      if (el !== focused && el.value !== fresh[i].value) throw Error(`${el.value} is not ${fresh[i].value}`);
    });
  }
  return window.ran ? "a script ran" : "";
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
        if route.request.url.endswith("/morph.js"):
            route.fulfill(body=MODULE.read_text(), content_type="text/javascript")
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


@pytest.fixture
def modern(page: Page) -> Lab:
    lab = Lab(page)
    assert lab.js("'moveBefore' in Element.prototype")
    return lab


@pytest.fixture(params=["moveBefore", "insertBefore"])
def lab(page: Page, request: pytest.FixtureRequest) -> Lab:
    """With the browser's moveBefore, and as in one that hasn't got it."""
    if request.param == "insertBefore":
        page.add_init_script("delete Element.prototype.moveBefore; delete DocumentFragment.prototype.moveBefore;")
    return Lab(page)


# Exactness and identity


@pytest.mark.parametrize("block", range(4))
def test_any_document_becomes_any_other_exactly_and_ids_keep_their_nodes(lab: Lab, block: int) -> None:
    lab.page.add_script_tag(content=GENERATOR)
    failures = lab.js(
        """(start) => {
          const failures = [];
          for (let seed = start; seed < start + 250; seed++) {
            let failure;
            try {
              failure = check(seed);
            } catch (error) {
              failure = error.stack;
            }
            if (failure) failures.push(`seed ${seed}: ${failure}`);
          }
          return failures;
        }""",
        block * 250,
    )
    assert failures == []


def test_the_generator_does_reach_what_is_to_be_tested(lab: Lab) -> None:
    lab.page.add_script_tag(content=GENERATOR)
    text = lab.js("Array.from({length: 100}, (_, seed) => documents(seed).join('')).join('')")
    wanted = ["<svg", "xlink:href", "<tr", "<option", "<details", "<template", "<!--", 'id="__proto__"', "@click"]
    assert [word for word in wanted if word not in text] == []


@pytest.mark.parametrize(
    ("root", "old", "new"),
    [
        ("tbody", "<tr><td>1</td></tr>", '<tr id="b"><td>2</td></tr><tr><td>1</td></tr>'),
        ("tr", "<td>1</td>", "<th>0</th><td>1</td>"),
        ("select", "<option>a</option>", '<option value="b">b</option><option>a</option>'),
        ("svg", '<circle r="1"></circle>', '<g><a xlink:href="#x"><circle r="2"></circle></a></g>'),
        ("form", '<input name="attributes"><input name="childNodes">', '<p></p><input name="childNodes" value="1">'),
    ],
    ids=["tbody", "tr", "select", "svg", "form"],
)
def test_the_html_is_read_in_the_context_of_the_root(lab: Lab, root: str, old: str, new: str) -> None:
    lab.paint(old, root)
    lab.morph(new)
    assert lab.exact(new)
    assert lab.js("$('#root').children.length") > 0


def test_attributes_keep_their_namespace_and_any_name_the_parser_takes(lab: Lab) -> None:
    lab.paint("<svg><a></a></svg><p></p>")
    lab.morph('<svg><a xlink:href="#x"></a></svg><p @click="1" [x]="2" a<b="3"></p>')
    assert lab.js("$('a').getAttributeNS('http://www.w3.org/1999/xlink', 'href')") == "#x"
    assert lab.js("$('p').attributes.length") == 3
    lab.morph("<svg><a></a></svg><p></p>")
    assert lab.html() == "<svg><a></a></svg><p></p>"


def test_an_inner_form_with_fields_named_like_dom_members_is_exact(lab: Lab) -> None:
    names = ["attributes", "childNodes", "parentNode", "localName", "getAttribute", "isEqualNode", "insertBefore"]
    fields = "".join(f'<input name="{name}">' for name in [*names, "nodeValue", "setAttributeNode", "liveOwned"])
    lab.paint(f'<form id="f" class="a">{fields}</form><p></p>')
    lab.js("$('#f').classList.add('client')")
    lab.morph(f'<p></p><form class="b" id="f" title="t"><b></b>{fields}</form>')
    assert lab.js("$('#f').className") == "client b"
    assert lab.js("$('#root').innerHTML.startsWith('<p></p><form') && $('#f').firstChild.localName === 'b'")


def test_a_tree_as_deep_as_the_parser_allows_is_morphed(lab: Lab) -> None:
    old, new = ("<div>" * 600 + text for text in "ab")
    lab.paint(old)
    lab.morph(new)
    assert lab.exact(new)
    lab.morph("")
    lab.morph(old)
    assert lab.exact(old)


def test_an_element_moves_to_another_parent_as_the_same_node(lab: Lab) -> None:
    lab.paint('<div><section><p id="a"><b id="b">x</b></p></section></div><div></div>')
    lab.mark("#a", "#b")
    new = '<ul></ul><div><b id="b">y</b></div><div><p id="a"></p></div>'
    lab.morph(new)
    assert lab.exact(new)
    assert lab.same("#a")
    assert lab.same("#b")


def test_parent_and_child_trade_places(lab: Lab) -> None:
    lab.paint('<div id="a"><div id="b"></div></div>')
    lab.mark("#a", "#b")
    new = '<div id="b"><div id="a"></div></div>'
    lab.morph(new)
    assert lab.exact(new)
    assert lab.same("#a")
    assert lab.same("#b")


def test_a_row_put_before_unkeyed_rows_is_one_insertion(lab: Lab) -> None:
    rows = "".join(f"<li><b>{i}</b> row</li>" for i in range(50))
    lab.paint(f"<ul>{rows}</ul>")
    changes = lab.js(
        """(html) => {
          const observer = new MutationObserver(() => {});
          observer.observe($("#root"), {subtree: true, childList: true, attributes: true, characterData: true});
          morph($("#root"), html);
          return observer.takeRecords().map((record) => [record.type, record.target.localName]);
        }""",
        f"<ul><li>new</li>{rows}</ul>",
    )
    assert [change for change in changes if change[1] == "ul"] == [["childList", "ul"]]
    assert len(changes) <= 2


def test_a_reordered_list_moves_as_few_nodes_as_can_be(lab: Lab) -> None:
    lab.paint("".join(f'<p id="p{i}">{i}</p>' for i in range(10)))
    moved = lab.js(
        """(html) => {
          const observer = new MutationObserver(() => {});
          observer.observe($("#root"), {childList: true});
          morph($("#root"), html);
          return observer.takeRecords().flatMap((record) => [...record.addedNodes].map((node) => node.id));
        }""",
        "".join(f'<p id="p{i}">{i}</p>' for i in [9, 0, 1, 2, 6, 3, 4, 5, 7, 8]),
    )
    assert sorted(moved) == ["p6", "p9"]


def test_an_equal_render_touches_nothing(lab: Lab) -> None:
    html = '<p class="a">x</p><template><b>t</b></template><input value="1"><!--c-->'
    lab.paint(html)
    records = lab.js(
        """(html) => {
          const observer = new MutationObserver(() => {});
          observer.observe($("#root"), {subtree: true, childList: true, attributes: true, characterData: true});
          morph($("#root"), html);
          morph($("#root"), html);
          return observer.takeRecords().length;
        }""",
        html,
    )
    assert records == 0


def test_a_template_inside_is_made_exact(lab: Lab) -> None:
    lab.paint("<template><b>1</b></template>")
    lab.morph("<template><b>2</b><i></i></template>")
    assert lab.html() == "<template><b>2</b><i></i></template>"


def test_duplicate_ids_stay_exact_and_are_warned_of_once(lab: Lab) -> None:
    lab.paint('<p id="d">1</p><p id="d">2</p><i id="e"></i>')
    deeper = '<p id="d">3</p><div><p id="d">4</p><p id="d"></p></div>'
    for new in (deeper, '<i id="e"></i><p id="d">5</p><p id="d"></p>'):
        lab.morph(new)
        assert lab.exact(new)
    assert lab.warnings == ['liveview: duplicate id "d"']


def test_names_of_object_members_are_only_names(lab: Lab) -> None:
    lab.paint('<p id="constructor">1</p><p id="__proto__" data-__proto__="1">2</p>')
    lab.mark("#constructor", "#__proto__")
    new = '<p id="__proto__" data-constructor="2">2</p><p id="constructor" data-__proto__="3" constructor="4">1</p>'
    lab.morph(new)
    assert lab.exact(new)
    assert lab.same("#constructor")
    assert lab.same("#__proto__")
    assert lab.js("({}).polluted === undefined && Object.keys(Object.prototype).length === 0")


def test_no_script_runs_however_it_comes(lab: Lab) -> None:
    code = "window.ran = true"
    lab.paint('<script id="s"></script><script type="text/plain" id="t">x</script>')
    lab.js("$('#root').append(Object.assign(document.createElement('script'), {id: 'empty', type: 'text/plain'}))")
    for new in (
        f'<p></p><script id="s">{code}</script><script id="t">{code}</script><script id="empty">{code}</script>',
        f'<script>{code}</script><svg><script>{code}</script></svg><script src="data:,window.ran=true"></script>',
        f'<div><script id="s">{code}//2</script></div><img src="" alt=""><script id="t" async>{code}</script>',
    ):
        lab.morph(new)
        assert lab.exact(new)
    lab.morph(f'<svg><script type="module">{code}</script><script href="data:text/javascript,{code}"></script></svg>')
    lab.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert lab.js("window.ran") is None


def test_reading_the_html_brings_nothing_to_life(lab: Lab) -> None:
    lab.js(
        """() => {
          window.made = 0;
          customElements.define("x-counted", class extends HTMLElement { constructor() { super(); made++; } });
        }"""
    )
    for text in "abc":
        lab.morph(f"<p>{text}</p><x-counted></x-counted>")
    assert lab.js("made") == 1


def test_an_image_of_a_noscript_is_not_loaded(lab: Lab) -> None:
    lab.paint("")
    html = '<noscript><img src="/pixel.png"></noscript>'
    lab.morph(html)
    assert lab.exact(html)
    assert lab.js("$('noscript').children.length") == 0


# Attributes


def test_what_the_client_put_on_an_element_survives(lab: Lab) -> None:
    lab.paint('<button class="a b">1</button><i></i>')
    lab.js("$('button').disabled = true, $('button').classList.add('dj-loading'), $('i').className = 'mine'")
    lab.morph('<button class="b c" title="t">2</button><i></i>')
    assert lab.js("[$('button').className, $('button').disabled, $('i').className]") == ["b dj-loading c", True, "mine"]
    lab.morph('<button title="t">3</button><i class="yours"></i>')
    assert lab.js("[$('button').className, $('i').className]") == ["dj-loading", "mine yours"]
    lab.js("$('button').disabled = false, $('button').classList.remove('dj-loading'), $('i').className = 'yours'")
    lab.morph('<button>4</button><i class="  a "></i>')
    assert lab.js("$('i').outerHTML") == '<i class="  a "></i>'


def test_what_the_client_took_off_stays_off_until_the_server_changes_it(lab: Lab) -> None:
    lab.paint('<button class="a b" disabled title="x"></button>')
    lab.js("$('button').disabled = false, $('button').classList.remove('a'), $('button').removeAttribute('title')")
    lab.morph('<button class="a b c" disabled title="y"></button>')
    assert lab.html() == '<button class="b c" title="y"></button>'


def test_the_first_morph_takes_the_dom_for_the_servers_unless_it_was_remembered(lab: Lab) -> None:
    lab.js("$('#root').innerHTML = '<p>1</p>', $('p').className = 'client', morph($('#root'), '<p>2</p>')")
    assert lab.html() == "<p>2</p>"
    lab.paint("<p>1</p>")
    lab.js("$('p').className = 'client'")
    lab.morph("<p>2</p>")
    assert lab.html() == '<p class="client">2</p>'


def test_a_details_the_visitor_opened_stays_open_until_the_server_says(lab: Lab) -> None:
    lab.paint("<details><summary>s</summary>1</details><details open><summary>s</summary></details>")
    lab.js("for (const el of document.querySelectorAll('details')) el.open = !el.open")
    lab.morph("<details><summary>s</summary>2</details><details open><summary>t</summary></details>")
    assert lab.js("Array.from(document.querySelectorAll('details'), (el) => el.open)") == [True, False]
    lab.morph("<details open><summary>s</summary>3</details><details><summary>t</summary></details>")
    lab.morph("<details><summary>s</summary>3</details><details open><summary>t</summary></details>")
    assert lab.js("Array.from(document.querySelectorAll('details'), (el) => el.open)") == [False, True]


def test_a_modal_dialog_stays_open(lab: Lab) -> None:
    lab.paint("<dialog>1</dialog>")
    lab.js("$('dialog').showModal()")
    lab.morph("<p></p><dialog>2</dialog>")
    assert lab.js("$('dialog').matches(':modal') && $('dialog').textContent") == "2"


# Form state


def test_the_focused_input_keeps_its_caret(lab: Lab) -> None:
    lab.paint('<input id="a" value="abc">')
    lab.js("$('#a').focus(), $('#a').value = 'typed', $('#a').setSelectionRange(1, 3, 'backward')")
    lab.morph('<p>1</p><input id="a" value="server" title="t">')
    state = "[$('#a').value, $('#a').selectionStart, $('#a').selectionEnd, $('#a').selectionDirection]"
    assert lab.js(state) == ["typed", 1, 3, "backward"]
    assert lab.js("[document.activeElement.id, $('#a').getAttribute('value'), $('#a').title]") == ["a", "server", "t"]


def test_a_focused_input_that_was_not_typed_in_keeps_its_value_and_caret(lab: Lab) -> None:
    lab.paint('<input value="abcdef"><textarea>abcdef</textarea>')
    for name in ("input", "textarea"):
        lab.js("(name) => { $(name).focus(); $(name).setSelectionRange(2, 4); }", name)
        lab.morph(f'<input value="server {name}"><textarea>server {name}</textarea>')
        state = lab.js("(name) => [$(name).value, $(name).selectionStart, $(name).selectionEnd]", name)
        assert state == ["abcdef", 2, 4]
        lab.morph('<input value="abcdef"><textarea>abcdef</textarea>')


def test_nothing_is_written_to_an_input_that_is_typed_in(lab: Lab) -> None:
    # It would break off an input method's composition and clear the undo history.
    lab.paint('<input id="a" value="a">')
    lab.js("$('#a').focus()")
    lab.page.keyboard.type("b")
    writes = lab.js(
        """() => {
          const { get } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
          let writes = 0;
          Object.defineProperty($("#a"), "value", { get, set: () => writes++ });
          morph($("#root"), '<input id="a" value="server">');
          return writes;
        }"""
    )
    assert writes == 0


def test_the_focused_textarea_keeps_its_text_and_scroll(lab: Lab) -> None:
    lab.paint('<textarea id="a" rows="3">1</textarea>')
    lab.js("$('#a').focus(), $('#a').value = 'x\\n'.repeat(99), $('#a').setSelectionRange(5, 5)")
    lab.js("$('#a').scrollTop = 70")
    lab.morph('<textarea id="a" rows="3">2</textarea>')
    assert lab.js("[$('#a').scrollTop, $('#a').selectionStart, $('#a').value.length]") == [70, 5, 198]
    assert lab.js("$('#a').defaultValue") == "2"


def test_the_focused_select_keeps_its_choice(lab: Lab) -> None:
    lab.paint("<select><option>a</option><option>b</option><option>c</option></select>")
    lab.js("$('select').focus(), $('select').value = 'b'")
    lab.morph("<select><option>x</option><option selected>a</option><option>b</option><option>c</option></select>")
    assert lab.js("$('select').value") == "b"
    lab.morph("<select><option>x</option><option>a</option><option selected>y</option></select>")
    assert lab.js("$('select').value") == "y"


def test_what_is_typed_into_a_focused_contenteditable_stays(lab: Lab) -> None:
    lab.paint('<div id="e" contenteditable>one</div>')
    lab.js("$('#e').focus(), $('#e').firstChild.data = 'typed', getSelection().collapse($('#e').firstChild, 3)")
    lab.morph('<p></p><div id="e" contenteditable class="c">two</div>')
    assert lab.js("[$('#e').textContent, getSelection().anchorOffset, $('#e').className]") == ["typed", 3, "c"]
    lab.js("$('#e').blur()")
    lab.morph('<div id="e" contenteditable class="d">two</div>')
    assert lab.js("$('#e').textContent") == "typed"
    lab.morph('<div id="e" contenteditable class="d">three</div>')
    assert lab.js("$('#e').textContent") == "three"


def test_an_unfocused_input_keeps_what_was_typed_unless_the_server_changes_the_value(lab: Lab) -> None:
    lab.paint('<p>1</p><input value="a"><textarea>a</textarea>')
    values = "[$('input').value, $('textarea').value]"
    lab.js("$('input').value = $('textarea').value = 'typed'")
    lab.morph('<p>2</p><input value="a" title="t"><textarea title="t">a</textarea>')
    assert lab.js(values) == ["typed", "typed"]
    lab.morph('<p>2</p><input value="b"><textarea>b</textarea>')
    assert lab.js(values) == ["b", "b"]
    lab.js("$('input').value = $('textarea').value = 'typed'")
    lab.morph("<p>2</p><input><textarea></textarea>")
    assert lab.js(values) == ["", ""]


def test_checks_and_choices_follow_the_visitor_unless_the_server_changes_them(lab: Lab) -> None:
    def page(text: str, checked: str = "", first: str = "", second: str = "") -> str:
        return (
            f'<p>{text}</p><input type="checkbox" value="{text}" id="c" {checked}>'
            f"<select id=s><option value=1 {first}>{text}<option value=2 {second}>{text}</select>"
        )

    lab.paint(page("a"))
    state = "[$('#c').checked, $('#s').value]"
    lab.js("$('#c').checked = true, $('#s').value = '2'")
    lab.morph(page("b"))
    assert lab.js(state) == [True, "2"]
    lab.morph(page("b", "checked", "selected"))
    assert lab.js(state) == [True, "1"]
    lab.js("$('#c').checked = false, $('#s').value = '1'")
    lab.morph(page("c", "checked", "", "selected"))
    assert lab.js(state) == [False, "2"]
    lab.js("$('#c').checked = true")
    lab.morph(page("c", "", "", "selected"))
    assert lab.js(state) == [False, "2"]
    lab.morph(page("c", "checked", "selected", ""))
    assert lab.js(state) == [True, "1"]
    assert lab.js("$('#c').value") == "c"


def test_a_checked_box_does_not_lend_its_check_to_another_value(lab: Lab) -> None:
    def row(value: str) -> str:
        return f'<input type="checkbox" name="n" value="{value}">'

    lab.paint(row("1") + row("2") + row("3"))
    lab.js("$('[value=\"2\"]').checked = true")
    lab.morph(row("2") + row("4"))
    assert lab.js("Array.from(document.querySelectorAll('input'), (el) => el.checked)") == [True, False]


def test_what_was_typed_or_chosen_does_not_pass_to_another_field(lab: Lab) -> None:
    lab.paint('<input id="a"><input name="b"><input name="c"><select><option>x</option><option>y</option></select>')
    lab.js("$('#a').value = 'A', $('[name=b]').value = 'B', $('[name=c]').value = 'C', $('select').value = 'y'")
    lab.morph('<input id="z"><input name="c" title="t"><select><option class="c">y</option><option>z</option></select>')
    assert lab.js("[$('#z').value, $('[name=c]').value, $('select').value]") == ["", "C", "y"]


def test_a_file_input_keeps_its_files(lab: Lab) -> None:
    lab.paint('<form><input type="file" name="f" value="x"></form>')
    lab.page.set_input_files("input", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"})
    lab.morph('<p></p><form class="b"><b></b><input type="file" name="f" value="y" class="c"></form>')
    assert lab.js("$('input').files[0].name") == "a.txt"
    assert lab.js("$('input').className") == "c"


def test_prepending_to_a_keyed_list_leaves_the_focused_input_where_it_is(lab: Lab) -> None:
    def row(key: str) -> str:
        return f'<li id="{key}"><input name="n"></li>'

    lab.paint(f"<ul>{row('a')}{row('b')}{row('c')}</ul>")
    lab.js("$('#b input').focus(), $('#b input').value = 'typed', $('#b input').setSelectionRange(2, 2)")
    lab.js("window.blurs = 0, $('#b input').addEventListener('blur', () => blurs++)")
    lab.morph(f"<ul>{row('z')}{row('c')}{row('a')}{row('b')}</ul>")
    lab.morph(f"<ul>{row('b')}{row('y')}{row('a')}{row('z')}{row('c')}</ul>")
    assert lab.js("document.activeElement === $('#b input') && $('#b input').selectionStart") == 2
    assert lab.js("blurs") == 0


def test_an_input_that_must_move_keeps_focus_and_selection(lab: Lab) -> None:
    lab.paint('<div><input id="a"></div><section></section>')
    lab.js("$('#a').focus(), $('#a').value = 'typed', $('#a').setSelectionRange(1, 4)")
    lab.morph('<div></div><section><p><input id="a"></p></section>')
    state = "[document.activeElement.id, $('#a').value, $('#a').selectionStart, $('#a').selectionEnd]"
    assert lab.js(state) == ["a", "typed", 1, 4]


# Scroll, media, frames


def test_scroll_positions_are_kept(lab: Lab) -> None:
    rows = "".join(f'<p id="p{i}">{i}</p>' for i in range(99))
    box = '<div id="s" style="height: 90px; overflow: auto; overflow-anchor: none">'
    lab.paint(f"{box}{rows}</div>")
    lab.js("$('#s').scrollTop = 500")
    lab.morph(f"<h1>new</h1>{box}{rows}<p>more</p></div>")
    assert lab.js("$('#s').scrollTop") == 500


PLAY = """async () => {
  // A second of silence as 8 kHz, 8 bit WAV.
  const bytes = new Uint8Array(44 + 8000).fill(128);
  const view = new DataView(bytes.buffer);
  const text = (at, word) => bytes.set([...word].map((char) => char.charCodeAt(0)), at);
  text(0, "RIFF"), text(8, "WAVEfmt "), text(36, "data");
  [[4, 8036], [16, 16], [24, 8000], [28, 8000], [40, 8000]].forEach(([at, value]) => view.setUint32(at, value, true));
  [[20, 1], [22, 1], [32, 1], [34, 8]].forEach(([at, value]) => view.setUint16(at, value, true));
  const audio = $("audio");
  Object.assign(audio, {src: URL.createObjectURL(new Blob([bytes], {type: "audio/wav"})), loop: true, muted: true});
  await audio.play();
}"""


def test_playing_media_plays_on(lab: Lab) -> None:
    lab.paint("<p>1</p><audio></audio>")
    lab.mark("audio")
    lab.js(PLAY)
    lab.morph("<h1>2</h1><p>3</p><audio></audio><i></i>")
    assert lab.same("audio")
    assert lab.js("!$('audio').paused && $('audio').src.startsWith('blob:')")


def test_a_moved_frame_and_moved_media_are_not_reloaded(modern: Lab) -> None:
    modern.paint('<div><iframe id="f" srcdoc="x"></iframe><audio id="a"></audio></div><p></p>')
    modern.js(PLAY)
    modern.js("$('#f').contentWindow.mark = 1")
    modern.morph('<p></p><section><audio id="a"></audio><iframe id="f" srcdoc="x"></iframe></section>')
    assert modern.js("[$('#f').contentWindow.mark, $('#a').paused]") == [1, False]


# What is left alone


def test_an_ignored_element_is_left_alone_until_the_server_takes_it_back(lab: Lab) -> None:
    lab.paint('<div>0</div><div dj-ignore class="a">1</div><div id="x" dj-ignore>2</div>')
    lab.mark("div[dj-ignore]", "#x")
    lab.js("$('.a').innerHTML = '<b>client</b>', $('.a').title = 'client', $('#x').append('!')")
    lab.morph('<div>new</div><div>0</div><p><i id="x" dj-ignore></i></p><div dj-ignore class="b">3</div>')
    assert lab.js("$('.a').outerHTML") == '<div dj-ignore="" class="a" title="client"><b>client</b></div>'
    assert lab.same("div[dj-ignore]")
    new = '<div>0</div><i id="x">4</i><div class="b">3</div>'
    lab.morph(new)
    lab.morph(new.replace("4", "5"))
    assert lab.exact(new.replace("4", "5"))


def test_an_element_that_is_no_longer_ignored_is_morphed(lab: Lab) -> None:
    lab.paint('<div id="x" dj-ignore class="a">1</div>')
    lab.mark("#x")
    lab.morph('<div id="x" dj-ignore class="b">2</div>')
    lab.morph('<div id="x" class="b">2</div>')
    assert lab.same("#x")
    assert lab.exact('<div id="x" class="b">2</div>')


def test_an_ignored_element_keeps_its_nodes_when_it_moves_by_id(lab: Lab) -> None:
    lab.paint('<div id="x" dj-ignore>2</div><p></p>')
    lab.js("$('#x').append('!')")
    lab.morph('<p><div id="x" dj-ignore class="c">3</div></p>')
    assert lab.js("$('#x').outerHTML") == '<div id="x" dj-ignore="">2!</div>'


def test_an_id_is_not_taken_out_of_an_ignored_element(lab: Lab) -> None:
    lab.paint('<div dj-ignore><b id="x">1</b></div>')
    lab.morph('<div dj-ignore></div><b id="x">2</b>')
    assert lab.html() == '<div dj-ignore=""><b id="x">1</b></div><b id="x">2</b>'


def test_keep_leaves_an_element_or_its_children_alone(lab: Lab) -> None:
    keep = "(el) => el.className === 'mine' ? 'self' : el.matches('ul') ? 'children' : ''"
    lab.paint('<div class="mine">1</div><ul title="a"></ul><p>1</p>')
    lab.js("$('.mine').append('!'), $('ul').append('?')")
    lab.morph('<div class="mine" title="x">2</div><ul title="b"><li></li></ul><p>2</p>', keep)
    assert lab.html() == '<div class="mine">1!</div><ul title="b">?</ul><p>2</p>'
    new = '<div class="mine" title="x">2</div><ul title="b"><li></li></ul><p>2</p>'
    lab.morph(new)
    assert lab.exact(new)


def test_nodes_of_the_clients_own_stay_while_their_parent_does(lab: Lab) -> None:
    lab.paint('<div id="d"><p>1</p></div>')
    lab.js(
        """() => {
          const own = Object.assign(document.createElement("p"), {liveOwned: true, textContent: "own"});
          $("#d").prepend(own);
          $("#d").append(Object.assign(document.createTextNode("text"), {liveOwned: true}));
          $("#d").append(document.createElement("hr"));
        }"""
    )
    lab.morph('<div id="d"><h1>0</h1><p>2</p></div>')
    assert lab.js("$('#d').innerHTML") == "<p>own</p><h1>0</h1><p>2</p>text"
    lab.morph('<div id="d"></div>')
    assert lab.js("$('#d').innerHTML") == "<p>own</p>text"
    lab.morph("<b></b>")
    assert lab.html() == "<b></b>"
