"""The album: choose, drop or paste many photos; each goes its own way, and every open tab sees what arrives."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from gallery import pictures
from gallery.conf import conf
from gallery.models import STEP, Photo, prune
from liveview import LiveView, event_handler, state
from uploads import UploadEntry, UploadMixin
from uploads.owners import owner_of
from uploads.slots import duration, megabytes

AUTO = "gallery_auto"  # in the session: send at once, or wait for "Upload all"
REMEMBERED = 60  # photos that their rows on the page, and captions still typed into these, find
MOST_SELECTED = 1000
SETTLE = 0.25  # seconds in which what happens in other tabs is gathered into one render


class GalleryView(UploadMixin, LiveView):
    template_name = "gallery/gallery.html"
    page_title = "Gallery"

    page = state(1)
    selected: state[list[int]] = state([])  # the ids of photos
    deleted: state[list[list[int]]] = state([])  # the ids of photos that can be brought back, the latest last
    captions: state[dict[str, str]] = state({})  # of photos still on their way, by ref
    published: state[dict[str, int]] = state({})  # the ids of the last photos that came from this page, by ref

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self._owner = owner_of(request)
        self._album = "" if conf().shared else self._owner
        self._refreshing = False
        self._places: dict[str, float] = {}  # of the photos on their way, by ref
        self.auto = bool(request.session.get(AUTO, True))
        self._take_photos()
        if self.connected:
            self.subscribe(self._topic)
            prune()

    def handle_params(self, params: dict[str, str]) -> None:
        """`?page=2`, or `?photo=7`: the page that has it."""
        self.page = _number(params.get("page", "")) or 1
        wanted = _number(params.get("photo", ""))
        if photo := Photo.objects.of(self._album).filter(pk=wanted).first() if wanted else None:
            self.page = Photo.objects.ahead_of(photo).count() // conf().page_size + 1

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        photos = Paginator(Photo.objects.of(self._album), conf().page_size).get_page(self.page)
        refs = {pk: ref for ref, pk in self.published.items()}
        for photo in photos:
            photo.ref, photo.is_selected = refs.get(photo.pk, ""), photo.pk in self.selected
        limits = {
            "max_entries": conf().max_entries,
            "each": megabytes(conf().max_file_size),
            "form": min(conf().max_entries, settings.DATA_UPLOAD_MAX_NUMBER_FILES or conf().max_entries),
        }
        return {
            **kwargs,
            "photos": photos,
            "owner": self._owner,
            "visitor": salted_hmac("gallery", self._owner).hexdigest()[:16],
            "limits": limits,
            "pictures": pictures,
            "shared": conf().shared,
            "kept_for": conf().kept_for and duration(conf().kept_for),
            "album_name": "the shared album" if conf().shared else "your album",
        }

    # Photos on their way
    @event_handler
    def set_auto(self, value: bool = False) -> None:
        self.auto = self.request.session[AUTO] = value
        self._take_photos()
        if value:
            self._publish()

    @event_handler
    def set_caption(self, ref: str, value: str) -> None:
        """A caption is typed while the bytes travel, and perhaps a little longer."""
        if ref in self.published:
            self._rename(self.published[ref], value)
        elif any(entry.ref == ref for entry in self.uploaded("photos")):
            self.captions[ref] = value[:200]

    @event_handler
    def upload_photos(self) -> None:
        """The form: everything in it has arrived."""
        count, refused = self._publish(), self.uploaded("photos").errors
        if not (count or refused):
            self.slot_error("photos", "Choose at least one photo.")
        if count and not self.connected:
            self._answer_form(count, refused)

    def on_progress(self, entry: UploadEntry) -> None:
        """With auto-upload a photo appears as soon as it is ready, whatever becomes of the others."""
        if self.auto and entry.complete:
            self._publish()

    # Photos that are there
    @event_handler
    def rename(self, id: int, value: str) -> None:  # noqa: A002  (data-id, as a template says it)
        self.published = {
            ref: pk for ref, pk in self.published.items() if pk != id
        }  # what its row still sends is older
        self._rename(id, value)

    def _rename(self, pk: int, value: str) -> None:
        if self._own().filter(pk=pk).update(caption=value[:200]):
            self._tell_others()

    @event_handler
    def move(self, id: int, after: int = 0, before: int = 0) -> None:  # noqa: A002
        """Behind the photo `after`, before the photo `before`, or to the front."""
        photo = self._own().filter(pk=id).first()
        target = Photo.objects.of(self._album).filter(pk=after or before).first()
        if photo is None or photo == target or (target is None and (after or before)):
            return
        if before and target:
            target = Photo.objects.before(target)
        if photo != target:
            photo.move(target)
            self._tell_others()

    @event_handler
    def step(self, id: int, by: int) -> None:  # noqa: A002
        """One place towards the front (-1) or the back (1)."""
        photo = self._own().filter(pk=id).first()
        neighbour = photo and {-1: Photo.objects.before, 1: Photo.objects.after}.get(by, lambda _: None)(photo)
        if neighbour:
            self.move(id, **{"before" if by < 0 else "after": neighbour.pk})

    @event_handler
    def delete(self, id: int) -> None:  # noqa: A002
        self._delete([id])

    @event_handler
    def undo(self) -> None:
        """Brings back what was deleted last."""
        if self.deleted:
            Photo.objects.filter(pk__in=self.deleted.pop(), owner=self._owner).update(deleted_at=None)
            self._tell_others()

    def forget_deleted(self, photos: list[int]) -> None:
        if photos in self.deleted:
            self.deleted.remove(photos)
        prune()

    # Many photos at once
    @event_handler
    def select(self, id: int, value: bool = False) -> None:  # noqa: A002
        self.selected = [*(each for each in self.selected if each != id), *([id] if value else [])][-MOST_SELECTED:]

    @event_handler
    def clear_selection(self) -> None:
        self.selected = []

    @event_handler
    def delete_selected(self) -> None:
        chosen, self.selected = self.selected, []
        self._delete(chosen)

    @event_handler
    def move_selected(self) -> None:
        """To the front, in the order that they have."""
        for photo in self._own().filter(pk__in=self.selected).reverse():
            photo.move(None)
        self.selected = []
        self._tell_others()

    @event_handler
    def turn(self, by: int) -> None:
        """To the page before or behind, whose address isn't another one."""
        self.page = max(1, self.page + by)

    def _delete(self, ids: list[int]) -> None:
        found = list(self._own().filter(pk__in=ids).values_list("pk", flat=True))
        if Photo.objects.filter(pk__in=found).update(deleted_at=timezone.now()):
            self.deleted.append(found)
            self.selected = [each for each in self.selected if each not in found]
            self.send_after(conf().undo + 1, self.forget_deleted, photos=found)
            self._tell_others()

    # Other tabs
    def handle_info(self, topic: str, message: dict[str, Any]) -> None:
        """Something changed elsewhere.

        A burst of changes is one render: the page asks the database when it is drawn.
        """
        if not self._refreshing:
            self._refreshing = True
            self.send_after(SETTLE, self.refresh)

    def refresh(self) -> None:
        self._refreshing = False

    def _take_photos(self) -> None:
        self.allow_upload(
            "photos",
            accept=pictures.ACCEPT,
            max_entries=conf().max_entries,
            max_file_size=conf().max_file_size,
            auto_upload=self.auto,
            resumable=True,
            validators=[pictures.prepare],
            progress=self.on_progress,
        )

    def _publish(self) -> int:
        """Publishes what is ready; how many photos that were."""
        count = 0
        self._take_places()
        for entry in self.consume_uploaded_entries("photos"):
            caption = self.captions.pop(entry.ref, "")
            place = self._places.pop(entry.ref, None) or Photo.next_position(self._album)
            photo = pictures.publish(entry, self._album, self._owner, caption, place)
            self.published[entry.ref] = photo.pk
            for sentence in entry.warnings:
                self.flash(f"{entry.client_name}: {sentence}")
            count += 1
        if count:
            self.published = dict(list(self.published.items())[-REMEMBERED:])
            self._tell_others()
        return count

    def _take_places(self) -> None:
        """They are in the album as they were chosen, the last one first, whichever is ready first."""
        refs = [entry.ref for entry in self.uploaded("photos")]
        self._places = {ref: self._places[ref] for ref in refs if ref in self._places}
        last = max([Photo.next_position(self._album) - STEP, *self._places.values()])
        for number, ref in enumerate((ref for ref in refs if ref not in self._places), 1):
            self._places[ref] = last + number * STEP

    def _answer_form(self, count: int, refused: list[UploadEntry]) -> None:
        """Without JavaScript the answer is another page: reloading it doesn't send the photos again."""
        self.flash("Photo added" if count == 1 else f"{count} photos added", "success")
        for entry in refused:
            self.flash(f"{entry.client_name}: {entry.error}", "error")
        self.redirect(self.request.get_full_path())

    def _own(self) -> Any:
        return Photo.objects.of(self._album).filter(owner=self._owner)

    @property
    def _topic(self) -> str:
        return f"gallery:{self._album}"

    def _tell_others(self) -> None:
        self.broadcast(self._topic, {})


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
