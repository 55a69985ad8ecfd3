"""What the visitor has typed, chosen and focused stays in hand."""

from __future__ import annotations

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
