"""What a visitor does becomes events: each once, in order, with its values."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from e2e.lab.pages import Gates, Visit, expect_log, stop_clock, wait_for
from e2e.support.console import Console
from liveview.tests.processes import until

pytest_plugins = ["e2e.lab.fixtures"]
pytestmark = pytest.mark.base("lab")


# -- Clicks


def test_a_click_carries_its_data_values(visit: Visit) -> None:
    page = visit("/lab/bench/")

    page.click("#record")

    expect_log(page, '{"n": "1"}')


def test_data_values_become_what_the_handler_declares(visit: Visit) -> None:
    page = visit("/lab/bench/")

    page.click("#typed")

    expect_log(page, "(3, 0.5, True, '7')")


def test_names_of_prototypes_are_names_like_others(visit: Visit) -> None:
    page = visit("/lab/bench/")

    page.click("#odd")

    expect_log(page, '{"__proto__": "a", "constructor": "b"}')


def test_a_double_click_runs_once(visit: Visit, gates: Gates) -> None:
    page = visit("/lab/bench/")

    page.dblclick("#wait")
    page.click("#wait")
    page.click("#record")
    gates.open(1)

    expect_log(page, "waited {}", '{"n": "1"}')


def test_an_element_can_be_used_again_when_its_event_is_done(visit: Visit) -> None:
    page = visit("/lab/bench/")

    page.click("#record")
    expect_log(page, '{"n": "1"}')
    page.click("#record")

    expect_log(page, '{"n": "1"}', '{"n": "1"}')


def test_a_question_comes_before_the_event(visit: Visit) -> None:
    page = visit("/lab/bench/")
    asked: list[str] = []

    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.click("#sure")
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    page.click("#sure")

    expect_log(page, '{"sure": "yes"}')
    assert asked == ["Sure?", "Sure?"]


def test_a_live_link_stays_on_the_page(visit: Visit) -> None:
    page = visit("/lab/bench/")

    page.click("#link")

    expect_log(page, '{"n": "link"}')
    assert "/lab/bench/" in page.url


def test_a_live_link_opens_in_another_tab_when_asked_to(visit: Visit) -> None:
    page = visit("/lab/bench/")

    with page.context.expect_page() as opened:
        page.click("#link", modifiers=["ControlOrMeta"])

    opened.value.wait_for_url("**/lab/plain/")
    expect_log(page)


def test_a_control_inside_a_live_element_still_works(visit: Visit) -> None:
    page = visit("/lab/bench/")

    page.check("#check")

    expect(page.locator("#check")).to_be_checked()
    expect(page.locator("#log li").first).to_have_text("{}")


# -- Keys and fields


def test_a_key_filter_lets_one_key_pass(visit: Visit) -> None:
    page = visit("/lab/bench/")

    page.locator("#keys").press_sequentially("ab")
    page.locator("#keys").press("Enter")

    expect_log(page, '{"field": "keys", "key": "Enter", "value": "ab"}')


def test_every_key_arrives_in_order(visit: Visit) -> None:
    page = visit("/lab/bench/")

    page.locator("#pad").press_sequentially("abc")

    expect_log(page, '{"key": "a"}', '{"key": "b"}', '{"key": "c"}')


def test_typing_tells_the_value_so_far(visit: Visit) -> None:
    page = visit("/lab/bench/")

    page.locator("#typing").press_sequentially("hi")

    expect_log(page, '{"value": "h"}', '{"value": "hi"}')
    expect(page.locator("#typing")).to_have_value("hi")


def test_a_choice_tells_its_value(visit: Visit) -> None:
    page = visit("/lab/bench/")

    page.select_option("#choice", "two")

    expect_log(page, '{"value": "two"}')


def test_a_change_in_a_form_tells_all_of_its_fields(visit: Visit) -> None:
    page = visit("/lab/forms/")

    page.fill("#a", "1")
    page.fill("#b", "2")
    page.locator("#b").press("Tab")

    expect_log(page, '{"a": "1", "b": ""}', '{"a": "1", "b": "2"}')


def test_a_debounced_field_waits_for_a_pause(visit: Visit) -> None:
    page = visit("/lab/bench/")
    stop_clock(page)

    page.locator("#calm").press_sequentially("abc")
    page.clock.run_for(99)
    page.locator("#calm").press_sequentially("d")
    page.clock.run_for(99)
    expect_log(page)
    page.clock.run_for(2)

    expect_log(page, '{"value": "abcd"}')


def test_a_debounced_field_does_not_wait_when_it_is_left(visit: Visit) -> None:
    page = visit("/lab/bench/")
    stop_clock(page)

    page.locator("#calm").press_sequentially("abc")
    page.locator("#calm").press("Tab")

    expect_log(page, '{"value": "abc"}')


def test_a_field_can_wait_until_it_is_left(visit: Visit) -> None:
    page = visit("/lab/bench/")
    stop_clock(page)

    page.locator("#blurred").press_sequentially("abc")
    page.clock.run_for(5_000)
    page.click("#record")

    expect_log(page, '{"value": "abc"}', '{"n": "1"}')


def test_a_throttled_field_acts_at_once_and_then_sends_the_last_value_only(visit: Visit) -> None:
    page = visit("/lab/bench/")
    stop_clock(page)

    page.locator("#limited").press_sequentially("abcd")
    expect_log(page, '{"value": "a"}')
    page.clock.run_for(5_001)
    expect_log(page, '{"value": "a"}', '{"value": "abcd"}')
    page.locator("#limited").press_sequentially("e")
    page.clock.run_for(4_000)
    expect_log(page, '{"value": "a"}', '{"value": "abcd"}')
    page.clock.run_for(1_001)

    expect_log(page, '{"value": "a"}', '{"value": "abcd"}', '{"value": "abcde"}')


def test_a_throttled_button_acts_once_in_its_time(visit: Visit) -> None:
    page = visit("/lab/bench/")
    stop_clock(page)

    page.click("#rate")
    expect_log(page, "{}")
    page.click("#rate")
    page.click("#record")

    expect_log(page, "{}", '{"n": "1"}')


# -- Forms


def test_a_form_sends_its_fields_as_a_browser_would(visit: Visit) -> None:
    page = visit("/lab/forms/")

    page.get_by_role("button", name="Send").click()

    expect_log(
        page,
        '{"agreed": "on", "colours": ["red", "blue"], "constructor": "c", "days": ["mon", "tue"], "how": "quickly",'
        ' "name": "Ann", "size": "m", "tag": ["a", "b"]}',
    )


def test_a_button_may_name_another_event_of_its_form(visit: Visit) -> None:
    page = visit("/lab/forms/")

    page.click("#other")

    expect(page.get_by_role("alert")).to_contain_text("Something went wrong")
    expect_log(page)


def test_a_submit_does_not_overtake_what_its_fields_hold_back(visit: Visit) -> None:
    page = visit("/lab/forms/")

    page.fill("#q", "tea")
    page.locator("#place").press_sequentially("Rome")
    page.locator("#place").press("Enter")

    expect_log(
        page,
        '{"place": "", "q": "tea"}',
        '{"place": "Rome", "q": "tea"}',
        '{"place": "Rome", "q": "tea"}',
    )


FIELD = """([form, name]) => {
    document.body.append(Object.assign(document.createElement("input"), { id: name, name }));
    document.getElementById(name).setAttribute("form", form);
}"""


def test_a_field_outside_of_its_form_is_a_field_of_it(visit: Visit) -> None:
    """Wherever it is, even outside of the live page: by its attribute `form`."""
    page = visit("/lab/forms/")
    page.evaluate(FIELD, ["watched", "far"])
    page.evaluate(FIELD, ["search", "farther"])

    page.fill("#far", "1")
    page.locator("#far").press("Tab")
    page.fill("#farther", "Rome")
    page.locator("#farther").press("Enter")

    expect_log(
        page,
        '{"a": "", "b": "", "far": "1"}',
        '{"farther": "Rome", "place": "", "q": ""}',
        '{"farther": "Rome", "place": "", "q": ""}',
    )


def test_a_form_on_its_way_cannot_be_sent_again(visit: Visit, gates: Gates) -> None:
    page = visit("/lab/forms/")
    page.fill("#text", "x")

    page.click("#go")
    page.evaluate("document.querySelector('#slow').requestSubmit()")
    page.click("#record")
    gates.open(1)

    expect_log(page, 'waited {"by": "button", "text": "x"}', "{}")


# -- While an answer is awaited


def test_pending_parts_of_a_form_are_put_back_exactly(visit: Visit, gates: Gates) -> None:
    page = visit("/lab/forms/")
    before = page.locator("#slow").inner_html()

    page.click("#outer")
    expect(page.locator("#go")).to_be_disabled()
    expect(page.locator("#text")).to_be_disabled()
    expect(page.locator("#outer")).to_be_disabled()
    expect(page.locator("#inner")).to_be_enabled()
    expect(page.get_by_text("Saving…")).to_be_visible()
    expect(page.get_by_text("Save", exact=True)).to_be_hidden()
    gates.open(1)

    expect(page.locator("#go")).to_be_enabled()
    expect(page.locator("#outer")).to_be_enabled()
    assert page.locator("#slow").inner_html() == before
    expect(page.locator("#off")).to_be_disabled()


def test_a_patch_in_between_changes_what_a_pending_form_goes_back_to(visit: Visit, gates: Gates) -> None:
    page = visit("/lab/forms/")

    page.click("#shut")
    page.click("#go")
    gates.open(0)
    expect(page.locator("#extra")).to_be_disabled()
    expect(page.get_by_text("Saving…")).to_be_visible()
    gates.open(1)

    expect(page.get_by_text("Save", exact=True)).to_be_visible()
    expect(page.locator("#go")).to_be_disabled()
    expect(page.locator("#off")).to_be_disabled()
    expect(page.locator("#extra")).to_be_enabled()


def test_a_form_is_as_before_when_its_event_fails(visit: Visit) -> None:
    page = visit("/lab/forms/")

    page.click("#failing button")

    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("#failing button")).to_be_enabled()
    assert page.locator("#failing").get_attribute("aria-busy") is None


def test_the_button_that_was_disabled_has_the_focus_again(visit: Visit, gates: Gates) -> None:
    page = visit("/lab/forms/")

    page.locator("#go").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#go")).to_be_disabled()
    wait_for(page, "document.activeElement === document.body")
    gates.open(1)

    expect(page.locator("#go")).to_be_focused()


def test_an_element_shows_that_it_is_busy(visit: Visit, gates: Gates) -> None:
    page = visit("/lab/bench/")
    button = page.locator("#wait")

    button.click()
    expect(button).to_have_class("live-loading")
    expect(button).to_have_attribute("aria-busy", "true")
    expect(page.locator("#any")).to_be_visible()
    expect(page.locator("#waiting")).to_be_visible()
    gates.open(1)

    expect(page.locator("#any")).to_be_hidden()
    expect(page.locator("#waiting")).to_be_hidden()
    assert (button.get_attribute("class") or "", button.get_attribute("aria-busy")) == ("", None)


def test_a_loading_text_stays_until_the_last_of_its_events_is_done(visit: Visit, gates: Gates) -> None:
    page = visit("/lab/bench/")

    page.click("#wait")
    page.click("#wait-2")
    gates.open(1)
    expect_log(page, "waited {}")
    expect(page.locator("#wait")).not_to_have_class("live-loading")
    expect(page.locator("#waiting")).to_be_visible()
    gates.open(2)

    expect(page.locator("#waiting")).to_be_hidden()


def test_a_loading_text_of_one_event_is_not_shown_for_another(visit: Visit, gates: Gates) -> None:
    page = visit("/lab/forms/")
    page.goto(page.url.replace("/forms/", "/bench/"))
    page.evaluate("liveview.use({ changed: () => (window.seen = document.querySelector('#waiting').hidden) })")

    page.click("#record")

    expect_log(page, '{"n": "1"}')
    assert page.evaluate("window.seen")


# -- What can't be sent


def test_a_text_that_is_too_long_is_said_to_be_and_its_form_lives(visit: Visit) -> None:
    page = visit("/lab/forms/")
    told = page.get_by_role("alert").filter(has_text="too long")

    for text, fits in (("x" * 70_000, "about 65,"), ("é" * 40_000, "about 32,"), ('"' * 40_000, "about 32,")):
        alert = told.filter(has_text=fits)  # one that was dismissed may be told once more, by the second press
        page.evaluate("(text) => { document.querySelector('#fields').elements.name.value = text; }", text)
        for _ in range(2):
            page.get_by_role("button", name="Send").click()
            expect(alert).to_have_count(1)
        expect(page.locator("#fields")).not_to_have_attribute("aria-busy", "true")
        assert page.evaluate("document.querySelector('#fields').elements.name.value.length") == len(text)
        alert.get_by_role("button").click()
    page.locator("#q").evaluate("(field) => { field.value = 'x'.repeat(70_000); }")
    page.locator("#q").press_sequentially("yz")
    page.click("#find")
    expect(told.filter(has_text="about 65,")).to_have_count(1)
    page.fill("#q", "short")
    page.click("#find")

    expect_log(page, '{"place": "", "q": "short"}', '{"place": "", "q": "short"}')
    assert page.evaluate("liveview.waiting.size") == 0


def test_what_the_server_refuses_is_told_and_the_form_lives(visit: Visit) -> None:
    page = visit("/lab/forms/")

    page.evaluate("liveview.most = Infinity")  # as a client that doesn't know the limit
    page.locator("#text").evaluate("(field) => { field.value = 'x'.repeat(70_000); }")
    page.click("#go")
    expect(page.get_by_role("alert")).to_contain_text("The limit is 65,536 bytes")
    expect(page.locator("#go")).to_be_enabled()
    codes = [
        page.evaluate(f"liveview.event('record', {{ n: {params} }}).catch((error) => error.code ?? error.name)")
        for params in ("'\\ud83d'", "[].concat(JSON.parse('['.repeat(30) + ']'.repeat(30)))", "1n")
    ]
    assert codes == ["bad_message", "bad_message", "TypeError"]
    page.click("#record")

    expect_log(page, "{}")
    assert page.evaluate("liveview.waiting.size") == 0


def test_half_of_an_emoji_does_not_end_a_live_field(visit: Visit) -> None:
    page = visit("/lab/bench/")

    page.locator("#typing").evaluate("(field) => { field.value = '😀'.slice(0, 1); }")
    page.locator("#typing").press_sequentially("a")

    expect_log(page, '{"value": "a\\ufffd"}')


def test_what_is_done_while_the_socket_is_closing_is_sent_on_the_next(visit: Visit) -> None:
    page = visit("/lab/bench/")

    page.evaluate("() => { liveview.connection.socket.close(); document.querySelector('#record').click(); }")

    expect_log(page, '{"n": "1"}')


def test_a_developer_is_told_in_the_console_what_they_have_mistyped(visit: Visit, page: Page, console: Console) -> None:
    console.expect("sabe|dj-clik")
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.clock.install()

    visit("/lab/mistaken/")
    page.click("#sabe")
    page.clock.run_for(10_000)

    expect(page.get_by_text("Mistaken has no event 'sabe': did you mean 'save'?")).to_be_visible()
    until(lambda: len(told) >= 3)
    assert "<button dj-clik> is no directive: did you mean 'dj-click'?" in told
    assert "dj-click='sabe': Mistaken has no event 'sabe': did you mean 'save'?" in told
    assert 'There is no hook "Nope".' in told
