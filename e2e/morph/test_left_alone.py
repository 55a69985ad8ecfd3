"""What is to be left alone is left alone."""

from __future__ import annotations

from e2e.morph.lab import Lab


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


CLOCK = """customElements.define("x-time", class extends HTMLElement {
  static observedAttributes = ["time"];
  attributeChangedCallback() { if (this.isConnected) this.connectedCallback(); }
  connectedCallback() { this.innerHTML = `<b>${this.getAttribute("time")}</b>`; }
})"""


def test_children_of_its_own_are_left_to_an_element_whose_attributes_follow_the_server(lab: Lab) -> None:
    def page(time: int, neighbour: str) -> str:
        return f'<p>{neighbour}</p><x-time dj-ignore="children" time="{time}" class="t{time}"></x-time>'

    lab.js(CLOCK)
    lab.paint("<p>0</p>")
    lab.morph(page(1, "a"))
    assert lab.js("$('x-time').innerHTML") == "<b>1</b>", "as it came"
    lab.mark("x-time")
    lab.morph(page(1, "b"))
    assert lab.js("$('x-time').innerHTML") == "<b>1</b>", "when only a neighbour changed"
    lab.js("$('x-time').classList.add('client')")
    lab.morph(page(2, "b"))
    assert lab.js("[$('x-time').innerHTML, $('x-time').className]") == ["<b>2</b>", "client t2"]
    assert lab.same("x-time")

    lab.morph('<p>c</p><x-time dj-ignore time="3"></x-time>')
    assert lab.js("$('x-time').innerHTML") == "<b>2</b>", "now nothing of it is the server's"
    lab.morph('<p>c</p><x-time dj-ignore="children" time="4"></x-time>')
    assert lab.js("$('x-time').innerHTML") == "<b>4</b>"
    lab.morph('<p>c</p><x-time time="4"><i>server</i></x-time>')
    assert lab.js("$('x-time').innerHTML") == "<i>server</i>"


def test_children_that_the_server_gives_are_the_first_ones(lab: Lab) -> None:
    lab.morph('<ul dj-ignore="children"><li id="x">server</li></ul>')
    lab.js("$('#x').textContent = 'client', $('ul').append('more')")
    lab.morph('<b id="x"></b><ul dj-ignore="children" title="t"><li id="x">again</li><li>2</li></ul>')
    assert lab.js("$('ul').outerHTML") == '<ul dj-ignore="children" title="t"><li id="x">client</li>more</ul>'


def test_a_translated_page_stays_translated_where_the_server_changes_nothing(lab: Lab) -> None:
    """As Chrome's translation does it: each text gives way to a `<font>`."""
    lab.paint("<h1>One</h1><p>two <b>three</b> four</p><p>five</p>")
    lab.js(
        """() => {
          document.documentElement.className = "translated-ltr";
          const texts = document.createTreeWalker($("#root"), NodeFilter.SHOW_TEXT);
          const all = [];
          while (texts.nextNode()) all.push(texts.currentNode);
          for (const text of all) {
            const font = document.createElement("font");
            font.innerHTML = `<font>${text.data.toUpperCase()}</font>`;
            text.replaceWith(font);
          }
          window.fonts = [...document.querySelectorAll("font")];
        }"""
    )
    lab.morph("<h1>One</h1><i></i><p>two <b>three</b> four</p><p>six</p>")
    assert lab.js("$('#root').innerText.replace(/\\s+/g, ' ').trim()") == "ONE TWO THREE FOUR six"
    lab.morph("<h1>One</h1><p>two <b>3</b> four</p><p>six</p>")
    assert lab.js("$('#root').innerText.replace(/\\s+/g, ' ').trim()") == "ONE TWO 3 FOUR six"
    lab.js("document.documentElement.className = ''")
    new = "<h1>1</h1><p>2<b>3</b>4</p><p>5</p>"
    lab.morph(new)
    assert lab.exact(new)
