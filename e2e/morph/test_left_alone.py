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
