"""morph.js in a real browser: its DOM is exactly the server's, and elements keep their identity."""

from __future__ import annotations

import pytest

from e2e.morph.generator import GENERATOR
from e2e.morph.lab import Lab


@pytest.mark.parametrize("block", range(4))
def test_any_document_becomes_any_other_exactly_and_ids_keep_their_nodes(lab: Lab, block: int) -> None:
    lab.page.add_script_tag(content=GENERATOR)
    failures = lab.js(
        """(start) => {
          const failures = [];
          for (let seed = start; seed < start + 250; seed++) {
            let failure;
            try {
              failure = check(seed) || checkTyped(seed);
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
    wanted += ["<my-tag", "<form", 'name="matches"', 'name="isConnected"', "<textarea"]
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


def test_a_browser_without_groupby_morphs_as_well(lab: Lab) -> None:
    lab.js("delete Map.groupBy, delete Object.groupBy")
    lab.paint('<p id="a">1</p><p>2</p>')
    lab.mark("#a")
    lab.morph('<p>3</p><p id="a">1</p>')
    assert lab.same("#a")
