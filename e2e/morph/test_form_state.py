"""What the visitor has typed, chosen and focused stays in hand."""

from __future__ import annotations

import pytest

from e2e.morph.lab import Lab


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


# -- Nodes that the page didn't render


def test_what_is_typed_stays_in_its_row_though_foreign_nodes_come_between(lab: Lab) -> None:
    def page(number: int) -> str:
        return "".join(f'<div class=row><p>{row} {number}</p><input class="i{row}"></div>' for row in "AB")

    def state() -> list[str]:
        return lab.js("[$('.iA').value, $('.iB').value, document.activeElement.className]")

    lab.paint(page(1))
    lab.js("$('.iA').value = 'for A', $('.iB').value = 'for B', $('.iB').focus(), $('.iB').setSelectionRange(2, 2)")
    for number, disturb in enumerate(
        [
            "$('#root').prepend(document.createElement('div'))",
            "$('.row').prepend(document.createElement('input'))",
            "for (const row of document.querySelectorAll('.row')) row.before(document.createElement('div'), 'text')",
            "$('.iA').replaceWith(Object.assign(document.createElement('span'), {id: 'w'})), $('#w').append(window.a)",
            "$('.row').outerHTML = $('.row').outerHTML + '<div class=row></div>'; $('.row').replaceWith(window.row)",
        ],
        start=2,
    ):
        lab.js(f"() => {{ window.a = $('.iA'), window.row = $('.row'); {disturb}; }}")
        lab.morph(page(number))
        assert lab.exact(page(number))
        assert state() == ["for A", "for B", "iB"]
    lab.page.keyboard.type("!")
    assert lab.js("$('.iB').value") == "fo!r B"


def test_a_foreign_item_does_not_shift_a_list(lab: Lab) -> None:
    def page(number: int) -> str:
        return "<ul>" + "".join(f"<li>item {row}.{number} <input name=q></li>" for row in range(3)) + "</ul>"

    lab.paint(page(1))
    lab.js("document.querySelectorAll('input').forEach((el, i) => (el.value = i))")
    lab.js("$('ul').prepend(document.createElement('li'))")
    lab.morph(page(2))
    assert lab.js("Array.from(document.querySelectorAll('input'), (el) => el.value)") == ["0", "1", "2"]


# -- What is half done


@pytest.mark.parametrize(
    ("kind", "begun", "rest", "attributes", "value"),
    [
        ("date", "02", "032026", ("2001-01-01", "2030-01-01"), "2026-02-03"),
        ("time", "11", "30AM", ("01:00", "23:00"), "11:30"),
        ("week", "10", "2026", ("2001-W01", "2030-W01"), "2026-W10"),
        ("number", "1e", "2", ("1", "999"), "1e2"),
        ("email", "jö@ü", ".de", ("a", "b"), "jö@ü.de"),
    ],
)
def test_what_is_half_typed_can_be_finished_whatever_is_rendered(
    lab: Lab, kind: str, begun: str, rest: str, attributes: tuple[str, str], value: str
) -> None:
    low, high = attributes
    lab.paint(f"<p>1</p><input type={kind}>")
    lab.js("$('input').focus()")
    lab.page.keyboard.type(begun)
    lab.morph(f"<p>2</p><input type={kind}>")
    lab.morph(f'<p>2</p><input type={kind} min="{low}" max="{high}" step="1" value="{low}" required class="c"><i></i>')
    assert lab.js("[$('input').required, $('input').className]") == [True, "c"]
    lab.page.keyboard.type(rest)
    assert lab.js("$('input').value") == value
    lab.morph(f'<p>3</p><input type={kind} min="{low}" max="{high}" step="1" value="{low}" required class="c">')
    assert lab.js("[$('input').min, $('input').max, $('input').value]") == [low, high, value]


def test_a_composition_goes_on(lab: Lab) -> None:
    lab.paint('<p>1</p><input value="a"><div contenteditable>b</div>')
    devtools = lab.page.context.new_cdp_session(lab.page)
    for selector, shown in (
        ("input", "$('input').value"),
        ("div[contenteditable]", "$('div[contenteditable]').textContent"),
    ):
        lab.js("(selector) => $(selector).focus()", selector)
        devtools.send("Input.imeSetComposition", {"text": "に", "selectionStart": 1, "selectionEnd": 1})
        lab.morph(
            f'<h1>{selector}</h1><p>1</p><input value="server {selector}"><div contenteditable>server {selector}</div>'
        )
        devtools.send("Input.imeSetComposition", {"text": "にほ", "selectionStart": 2, "selectionEnd": 2})
        devtools.send("Input.insertText", {"text": "日本"})
        assert "日本" in lab.js(shown)
        assert "に" not in lab.js(shown)


def test_a_slider_that_is_dragged_stays_in_hand_also_where_dragging_does_not_focus(lab: Lab) -> None:
    lab.paint('<input type="range" value="50" style="width: 200px">')
    box = lab.page.locator("input").bounding_box()
    assert box is not None
    lab.page.mouse.move(box["x"] + 20, box["y"] + box["height"] / 2)
    lab.page.mouse.down()
    lab.js("$('input').blur()")
    before = lab.js("$('input').value")
    lab.morph('<input type="range" value="80" style="width: 200px">')
    assert lab.js("$('input').value") == before
    assert before != "80"
    lab.page.mouse.up()


def test_an_open_list_is_not_written_to(lab: Lab) -> None:
    options = "<option>a</option><option>b</option>"
    lab.paint(f"<p>1</p><select>{options}</select><select multiple>{options}</select>")
    for selector in ("select", "select[multiple]"):
        writes = lab.js(
            """(selector) => {
              const { get, set } = Object.getOwnPropertyDescriptor(HTMLOptionElement.prototype, "selected");
              const select = $(selector);
              select.focus();
              select.options[1].selected = true;
              let writes = 0;
              for (const option of select.options) {
                Object.defineProperty(option, "selected", { get, set(value) { writes++; set.call(option, value); } });
              }
              morph($("#root"), $("#root").innerHTML.replace("1</p>", "2</p>").replace("<p>", "<p title=x>"));
              return [writes, select.options[1].selected];
            }""",
            selector,
        )
        assert writes == [0, True]


def test_an_echo_of_what_is_there_is_not_written(lab: Lab) -> None:
    lab.paint("<textarea></textarea>")
    lab.js("$('textarea').value = 'typed', $('textarea').setSelectionRange(2, 3)")
    lab.morph("<textarea>typed</textarea>")
    assert lab.js("[$('textarea').value, $('textarea').selectionStart]") == ["typed", 2]


# -- autofocus


def test_what_a_render_shows_with_autofocus_gets_the_focus(lab: Lab) -> None:
    button, field = '<button id="b">Open</button>', '<input id="f" autofocus>'
    lab.paint(button)
    lab.js("$('#b').focus()")
    lab.morph(f"{button}<div><input>{field}<input autofocus></div>")
    assert lab.js("document.activeElement.id") == "f"
    lab.js("$('#b').focus()")
    lab.morph(f"<p>2</p>{button}<div><input>{field}<input autofocus></div>")
    assert lab.js("document.activeElement.id") == "b", "it was there already"

    lab.morph(f"{button}<div hidden>{field}</div>")
    lab.js("$('#b').focus()")
    lab.morph(f"{button}<div>{field}</div>")
    assert lab.js("document.activeElement.id") == "f", "it was hidden"


def test_autofocus_takes_nobody_away_from_what_they_are_typing(lab: Lab) -> None:
    for typing in (
        "<input id=t>",
        "<textarea id=t></textarea>",
        "<div id=t contenteditable></div>",
        "<select id=t></select>",
    ):
        lab.paint(typing)
        lab.js("$('#t').focus()")
        lab.morph(f"{typing}<input autofocus>")
        assert lab.js("document.activeElement.id") == "t"
        lab.morph("<p></p><input id=new autofocus>")
        assert lab.js("document.activeElement.id") == "new", "what they were typing in has gone"
