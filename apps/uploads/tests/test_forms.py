"""Django's forms with a view's files, live and posted."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.core.files.storage import InMemoryStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.validators import FileExtensionValidator
from django.forms import formset_factory
from django.http import HttpRequest
from django.test import Client
from django.urls import path
from PIL import Image

from liveview import LiveView, event_handler, state
from liveview.testing import ServerSaid
from uploads import UploadMixin, UploadWriter
from uploads.core.slots import Family
from uploads.forms import ElsewhereFile, FileElsewhere, MultipleUploadField, UploadInput
from uploads.testing import Refused, UploadPage, mount
from uploads.tests.fallback.page import Page, codes
from uploads.tests.support import TEXT, Staged

pytestmark = pytest.mark.django_db(transaction=True)

SITE = "uploads.tests.test_forms"  # this module's own URLs


class Shelf(UploadWriter):
    def open(self) -> None: ...
    def write_chunk(self, chunk: bytes) -> None: ...
    def abort(self, error: BaseException) -> None: ...
    def close(self) -> Any:
        return {"key": f"shelf/{self.filename}"}


class MultipleFileInput(forms.ClearableFileInput):
    """As in Django's documentation."""

    allow_multiple_selected = True


class PaperForm(forms.Form):
    title = forms.CharField(max_length=20)
    tags = forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B")], required=False)
    paper = forms.FileField(validators=[FileExtensionValidator(["txt", "png"])], widget=UploadInput)
    photo = forms.ImageField(required=False, widget=UploadInput(validators=[lambda entry: None]))
    more = MultipleUploadField(required=False, widget=UploadInput(multiple=True, accept=".txt,.png", max_entries=3))
    plain = forms.FileField(required=False, widget=MultipleFileInput(attrs={"dj-upload": "plain"}))
    shelved = forms.FileField(required=False, widget=UploadInput(writer=Shelf))


class PaperView(UploadMixin, LiveView):
    template_name = "paper.html"
    saved = state("")
    fails = state(False)

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.form = PaperForm(prefix="paper")
        self.allow_form_uploads(self.form, max_file_size=400_000)

    @event_handler
    def check(self, **fields: Any) -> None:
        self.form = PaperForm(self.form_data, self.form_files, prefix="paper")

    @event_handler
    def save(self, **fields: Any) -> None:
        self.form = PaperForm(self.form_data, self.form_files, prefix="paper")
        if self.form.is_valid():
            cleaned = self.form.cleaned_data
            with self.consuming(self.form):
                if cleaned["title"] == "fails":
                    raise RuntimeError("as asked")
                more = [file.read() for file in cleaned["more"]]
                shelved = cleaned["shelved"] and cleaned["shelved"].result
                paper = cleaned["paper"]
                self.saved = repr((cleaned["tags"], paper.name, paper.size, paper.read() == TEXT, more, shelved))
            self.form = PaperForm(prefix="paper")

    @event_handler
    def misuse(self, **fields: Any) -> None:
        with self.consuming(PaperForm(self.form_data, {}, prefix="paper")):
            raise AssertionError("never begins")


class LineForm(forms.Form):
    text = forms.CharField()
    file = forms.FileField(widget=UploadInput(accept=".txt"))


Lines = formset_factory(LineForm, extra=1, can_delete=True, max_num=4, absolute_max=4)


class LinesView(UploadMixin, LiveView):
    template_name = "lines.html"
    saved = state("")

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.formset = Lines(prefix="lines")
        self.allow_form_uploads(self.formset)

    @event_handler
    def save(self, **fields: Any) -> None:
        self.formset = Lines(self.form_data, self.form_files, prefix="lines")
        if self.formset.is_valid():
            with self.consuming(self.formset):
                kept = [form.cleaned_data for form in self.formset if not form.cleaned_data["DELETE"]]
                self.saved = repr([(each["text"], each["file"].read()) for each in kept])


urlpatterns = [path("paper/", PaperView.as_view()), path("lines/", LinesView.as_view())]


@pytest.fixture(autouse=True)
def own_site(settings: Any, tmp_path: Path, project: None) -> None:
    form = '<form dj-submit="save" method="post" enctype="multipart/form-data">%s</form><p>saved={{ saved|safe }}</p>'
    (tmp_path / "paper.html").write_text(form % "{{ form.as_div }}")
    (tmp_path / "lines.html").write_text(form % "{{ formset }}")
    settings.ROOT_URLCONF = SITE
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]


@pytest.fixture
def paper(client: Client) -> Iterator[UploadPage]:
    with mount("/paper/", client) as page:
        yield page


def txt(name: str, data: bytes = TEXT) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, "text/plain")


def submit(page: UploadPage, handler: str = "save", **fields: Any) -> str:
    page.submit(handler, **{f"paper-{name}": value for name, value in fields.items()})
    return page.html


def post(client: Client, url: str = "/paper/", **fields: Any) -> str:
    named = {name if name[0] == "_" else f"paper-{name}": value for name, value in fields.items()}
    return client.post(url, named).content.decode()


# -- Live


def test_a_form_renders_the_directives_and_allows_its_slots(paper: UploadPage) -> None:
    assert 'dj-upload-drop="paper-paper"' in paper.html
    assert 'name="paper-more" dj-upload="paper-more" multiple' in paper.html and 'accept=".txt,.png"' in paper.html
    assert 'accept="image/*"' in paper.html
    with pytest.raises(Refused, match="bad_ext"):
        paper.upload("paper-paper", "a.pdf", b"%PDF-1.7 ")
    with pytest.raises(Refused, match="too_large"):
        paper.upload("paper-paper", "a.txt", bytes(400_001))


@pytest.mark.parametrize("rendered", ["as_div", "as_p", "as_table", "as_ul"])
def test_a_form_is_rendered_as_any_other(rendered: str) -> None:
    """A paragraph holds no blocks: the parser would end it."""
    html = getattr(PaperForm(), rendered)()

    assert html.count('<span class="upload-input"') == 4
    assert not re.search(r"<(div|p)\b[^>]* dj-upload", html)


def test_a_forms_files_are_kept_until_it_is_valid_and_then_consumed(paper: UploadPage, staged: Staged) -> None:
    paper.upload("paper-paper", "a.txt", TEXT)
    paper.upload("paper-more", "b.txt", b"b")
    paper.upload("paper-more", "c.txt", b"c")
    paper.upload("paper-shelved", "d.txt", b"d")

    assert "This field is required." in submit(paper, title="")
    assert len(staged()) == 3
    html = submit(paper, title="t", tags="a")

    assert f"saved=(['a'], 'a.txt', {len(TEXT)}, True, [b'b', b'c'], {{'key': 'shelf/d.txt'}})" in html
    assert staged() == []
    assert "This field is required." in submit(paper, title="t")


def test_a_handler_that_fails_consumes_nothing(paper: UploadPage, staged: Staged, allowed: set[str]) -> None:
    allowed.add("PaperView failed")
    paper.upload("paper-paper", "a.txt", TEXT)

    with pytest.raises(ServerSaid, match="server_error"):
        submit(paper, title="fails")
    assert "saved=([], 'a.txt'" in submit(paper, title="t")


def test_a_file_that_was_refused_or_is_on_its_way_is_an_error_of_its_field(paper: UploadPage) -> None:
    with pytest.raises(Refused):
        paper.upload("paper-more", "bad.png", b"MZ" + bytes(99))
    paper.register("paper-paper", "late.txt", 10)
    with pytest.raises(Refused):
        paper.upload("paper-photo", "bad.png", b"MZ" + bytes(99))

    html = submit(paper, "check", title="t")

    assert "late.txt: This file is still being uploaded." in html
    assert html.count("It is named .png, but it isn&#x27;t a PNG image.") == 2


def test_an_image_is_opened_by_djangos_own_field(paper: UploadPage, staged: Staged) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    paper.upload("paper-paper", "a.txt", TEXT)
    paper.upload("paper-photo", "half.png", picture.getvalue()[:40])
    assert "Upload a valid image." in submit(paper, title="t")
    assert sum(".link" in name for name in staged()) == 0

    paper.upload("paper-photo", "whole.png", picture.getvalue())
    assert "saved=([], 'a.txt'" in submit(paper, title="t")
    assert staged() == []


def test_only_forms_with_the_views_own_files_can_be_consumed(paper: UploadPage, allowed: set[str]) -> None:
    allowed.add("PaperView failed")
    with pytest.raises(ServerSaid, match="server_error"):
        submit(paper, "misuse", title="t")


def test_what_went_elsewhere_has_its_result_and_no_bytes() -> None:
    class Entry:
        safe_name, content_type, size, writer_result = "a.txt", "text/plain", 7, {"key": "k"}

    file = ElsewhereFile(Entry())  # type: ignore[arg-type]

    assert forms.FileField().clean(file) is file
    assert (file.name, file.size, file.result) == ("a.txt", 7, {"key": "k"})
    for use in (file.read, lambda: InMemoryStorage().save("a.txt", file), lambda: forms.ImageField().clean(file)):
        with pytest.raises(FileElsewhere):
            use()


# -- Posted


def test_a_posted_form_says_all_that_is_wrong_and_keeps_what_is_good(client: Client, staged: Staged) -> None:
    html = post(client, paper=txt("a.txt"), more=[txt("b.txt", b"b"), txt("bad.png", b"MZ" + bytes(99))], title="")

    assert "This field is required." in html
    assert "bad.png: It is named .png, but it isn&#x27;t a PNG image." in html
    kept = claims(html)
    assert len(kept) == len(staged()) == 2

    stranger = post(Client(), _upload=kept, title="t")
    assert "This field is required." in stranger and claims(stranger) == []
    html = post(client, _upload=kept, more=txt("c.txt", b"c"), title="", tags="b")
    assert len(claims(html)) == len(staged()) == 3

    html = post(client, _upload=claims(html), title="t", tags="b")
    assert f"saved=(['b'], 'a.txt', {len(TEXT)}, True, [b'b', b'c'], None)" in html
    assert staged() == []
    assert "This field is required." in post(client, _upload=kept, title="t")


def test_a_posted_file_takes_the_place_of_one_that_was_kept(client: Client, staged: Staged) -> None:
    kept = claims(post(client, paper=txt("old.txt"), title=""))
    html = post(client, _upload=kept, paper=txt("bad.png", b"MZ" + bytes(99)), title="t")
    assert "bad.png: It is named .png" in html and claims(html) == kept

    assert "'new.txt'" in post(client, _upload=kept, paper=txt("new.txt"), title="t")
    assert staged() == []


def test_an_input_is_required_unless_a_file_is_kept(client: Client) -> None:
    def is_required(html: str) -> bool:
        tag = html[html.index('<input type="file" name="paper-paper"') :]
        return " required" in tag[: tag.index(">")]

    assert is_required(client.get("/paper/").content.decode())
    assert is_required(post(client, paper="", title="t"))
    assert not is_required(post(client, paper=txt("a.txt"), title=""))


def test_what_a_writer_has_taken_is_not_kept(client: Client, staged: Staged) -> None:
    html = post(client, paper=txt("a.txt"), shelved=txt("s.txt"), title="")

    assert len(claims(html)) == len(staged()) == 1


# -- Where no socket gets through


def test_a_form_without_a_socket_keeps_its_files_until_it_is_valid(client: Client, staged: Staged) -> None:
    page = Page("/paper/", client)
    upload_id, claim = page.begin("paper-paper", TEXT), "%s r-1"
    assert page.done(upload_id)["type"] == "upload_ready"

    invalid = page.submit(claim % upload_id, _event="save").json()
    assert "This field is required." in invalid["page"]
    assert (invalid["messages"], len(staged())) == ([], 1)
    valid = page.submit(claim % upload_id, **{"_event": "save", "paper-title": "t"})

    assert "saved=([], 'a.txt'" in valid.json()["page"]
    assert (codes(valid), staged()) == (["upload_consumed"], [])


def test_a_file_that_a_form_named_and_that_is_refused_is_an_error_of_its_field(client: Client, staged: Staged) -> None:
    page = Page("/paper/", client)
    half = page.begin("paper-paper", TEXT, upto=1000)

    answer = page.submit(f"{half} r-1", **{"_event": "save", "paper-title": "t"})

    assert "a.txt: The file didn&#x27;t arrive in full. Try again." in answer.json()["page"]
    assert codes(answer) == ["incomplete"]


# -- Formsets


@pytest.mark.parametrize("ways", ["live", "posted"])
def test_each_form_of_a_formset_has_its_own_slot(client: Client, staged: Staged, ways: str) -> None:
    fields = {
        "lines-TOTAL_FORMS": "3",
        "lines-INITIAL_FORMS": "0",
        "lines-0-text": "first",
        "lines-1-text": "second",
        "lines-1-DELETE": "on",
        "lines-2-text": "third",
    }
    files = {f"lines-{number}-file": b"%d" % number for number in range(3)}
    if ways == "live":
        with mount("/lines/", client) as page:
            for name, data in files.items():
                page.upload(name, "a.txt", data)
            page.submit("save", **fields)
            html = page.html
    else:
        html = client.post(
            "/lines/", {**fields, **{name: txt("a.txt", data) for name, data in files.items()}}
        ).content.decode()

    assert "saved=[('first', b'0'), ('third', b'2')]" in html
    assert staged() == []


def test_a_formset_takes_files_for_as_many_forms_as_it_may_have() -> None:
    family = Family("lines-", "-file", 4)

    assert [number for number in range(10) if family.has(f"lines-{number}-file")] == [0, 1, 2, 3]
    for other in ("lines--file", "lines-x-file", "lines-file", "lines-1-other", "more-lines-1-file", "lines-٣-file"):
        assert not family.has(other)


# -- Fields


def test_a_field_of_several_files_is_required_as_a_whole() -> None:
    assert MultipleUploadField(required=False).clean([]) == []
    assert len(MultipleUploadField().clean([txt("a.txt"), txt("b.txt")])) == 2
    assert not MultipleUploadField().has_changed(None, [])
    with pytest.raises(forms.ValidationError, match="required"):
        MultipleUploadField().clean([])
    with pytest.raises(forms.ValidationError) as both:
        MultipleUploadField(max_length=5).clean([txt("long name.txt"), txt("a.txt"), txt("b.txt", b"")])
    assert [error.code for error in both.value.error_list] == ["max_length", "empty"]


def claims(html: str) -> list[str]:
    return [part.split('"')[0] for part in html.split('name="_upload" value="')[1:]]
