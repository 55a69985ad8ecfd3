"""What the client did to an attribute stays until the server says otherwise."""

from __future__ import annotations

from e2e.morph.lab import Lab


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
