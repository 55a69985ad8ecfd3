"""What a page's HTML says of its forms."""

from __future__ import annotations

from liveview.core.html_forms import forms_in


def test_a_form_is_read_however_it_is_written() -> None:
    html = """
      <FORM method=post
        dj-submit='save' dj-upload-skip>
        <button name="_event" value="back" dj-click="back">Back</button>
        <button name="_event" value="draft">Save a draft</button>
      </FORM>
      <button name="_event" value="outside" dj-click="outside">Outside</button>
      <!-- <form dj-submit="commented"> -->
      <form><input name="q">
    """

    first, second = forms_in(html)

    assert (first.event, first.clicks) == ("save", {"back"})
    assert "dj-upload-skip" in first.attributes
    assert (second.event, second.clicks, second.attributes) == ("", set(), {})


def test_text_and_values_are_no_forms() -> None:
    assert forms_in("""<p title='<form dj-submit="a">'>&lt;form dj-submit="b"&gt;</p><script>"<form>"</script>""") == []
