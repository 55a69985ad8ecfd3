"""The album: choose, drop or paste many photos. Each uploads on its own, and every open tab sees what arrives."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Max, Q
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from gallery import arranging, pictures
from gallery.conf import conf
from gallery.models import STEP, Photo, PhotoQuerySet, topic
from liveview import LiveView, event_handler, state
from uploads import UploadEntry, UploadMixin
from uploads.keeping import UndoMixin
from uploads.owners import owner_of
from uploads.slots import duration, megabytes

AUTO = "gallery_auto"  # in the session: send at once, or wait for "Upload all"
REMEMBERED = 60  # photos that their rows on the page, and captions still typed into these, find
MOST_SELECTED = 1000
SETTLE = 0.25  # seconds in which what happens in other tabs is gathered into one render


class GalleryView(UploadMixin, UndoMixin, LiveView):
    template_name = "gallery/gallery.html"
    page_title = gettext_lazy("Gallery")

    page = state(1)
    order: state[list[int]] = state([])  # the ids of the page's photos; what others change moves none of them
    selected: state[list[int]] = state([])  # the ids of photos
    captions: state[dict[str, str]] = state({})  # of photos still on their way, by ref
    latest = state(0)  # the id of the last photo that was let in: those that others add wait until they are asked for
    published: state[dict[str, int]] = state({})  # the ids of the last photos that came from this page, by ref
    begun: state[list[str]] = state([])  # refs of those of which only the thumbnail is there

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self._owner = owner_of(request)
        self._album = "" if conf().shared else self._owner
        self._refreshing = False
        self._name = token_hex(8)  # by which it knows what it has broadcast itself
        self._uploads_shown = set[str]()  # the ids of those whose thumbnails it has shown: it is told what follows
        self._places: dict[str, float] = {}  # of the photos on their way, by ref
        self.auto = bool(request.session.get(AUTO, True))
        self._take_photos()
        self._let_in()
        self.recall_deleted()
        if self.connected:
            self.subscribe(topic(self._album))

    def handle_params(self, params: dict[str, str]) -> None:
        """`?page=2`, or `?photo=7`: the page that has it."""
        self.page = _number(params.get("page", "")) or 1
        wanted = _number(params.get("photo", ""))
        if photo := Photo.objects.of(self._album).filter(pk=wanted).first() if wanted else None:
            if not self._shown().filter(pk=photo.pk).exists():
                self._let_in()
            self.page = Photo.objects.ahead_of(photo).filter(self._is_shown).count() // conf().page_size + 1
        self._lay()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        photos, has_changed = self._photos()
        refs = {pk: ref for ref, pk in self.published.items()}
        for photo in photos:
            photo.ref, photo.is_selected = refs.get(photo.pk, ""), photo.pk in self.selected
            photo.is_own = photo.owner == self._owner
        limits = {
            "max_entries": conf().max_entries,
            "each": megabytes(conf().max_file_size),
            "form": min(conf().max_entries, settings.DATA_UPLOAD_MAX_NUMBER_FILES or conf().max_entries),
        }
        return {
            **kwargs,
            "photos": photos,
            "waiting": photos.paginator.count and self._waiting().count(),  # where nothing is, nothing moves
            "has_changed": has_changed,
            "count": photos.paginator.count + sum(photo.is_gone for photo in photos),
            "undo_sentence": _deleted(len(self.deleted[-1])) if self.deleted else "",
            "owner": self._owner,
            "visitor": salted_hmac("gallery", self._owner).hexdigest()[:16],
            "limits": limits,
            "pictures": pictures,
            "shared": conf().shared,
            "kept_for": conf().kept_for and duration(conf().kept_for),
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
            self.slot_error("photos", _("Choose at least one photo."))
        if count and not self.connected:
            self._answer_form(count, refused)

    def on_progress(self, entry: UploadEntry) -> None:
        """With auto-upload a photo appears as soon as it is ready, whatever becomes of the others.

        One that takes long appears with its thumbnail before.
        """
        if entry.complete and (self.auto or entry.ref in self.begun):
            self._publish()
        elif entry.preview and self.auto and not entry.is_over and entry.ref not in self.begun:
            self._publish_thumb(entry)
        elif entry.ref in self.begun and entry.error and not entry.is_superseded:
            self._withdraw(entry)
        else:
            self.skip_render()  # the page's script shows how far it is

    # Photos that are there
    @event_handler
    def rename(self, id: int, value: str) -> None:  # noqa: A002  (data-id, as a template says it)
        self.published = {
            ref: pk for ref, pk in self.published.items() if pk != id
        }  # what its row still sends is older
        self._rename(id, value)

    def _rename(self, pk: int, value: str) -> None:
        if self.own().filter(pk=pk, deleted_at=None).update(caption=value[:200]):
            self._tell_others()

    @event_handler
    def move(self, id: int, after: int = 0, before: int = 0) -> None:  # noqa: A002
        """Behind the photo `after`, before the photo `before`, or to the front."""
        photo = self._ordered().filter(pk=id).first()
        target = Photo.objects.of(self._album).filter(pk=after or before).first()
        if photo is None or photo == target or (target is None and (after or before)):
            return
        if before and target:
            target = Photo.objects.before(target)
        if photo != target:
            photo.move(target)
            self._put([photo.pk], after, before)
            self._tell_others()

    @event_handler
    def step(self, id: int, by: int) -> None:  # noqa: A002
        """One place towards the front (-1) or the back (1), as the page shows them."""
        photo = self._ordered().filter(pk=id).first()
        if photo is None or by not in (-1, 1):
            return
        there = self._positions()
        at = self.order.index(id) + by if id in self.order else -1
        neighbour = self.order[at] if 0 <= at < len(self.order) and self.order[at] in there else None
        if neighbour is None:
            beyond = Photo.objects.before(photo) if by < 0 else Photo.objects.after(photo)
            neighbour = beyond.pk if beyond else None
        if neighbour:
            self.move(id, **{"before" if by < 0 else "after": neighbour})

    @event_handler
    def delete(self, id: int) -> None:  # noqa: A002
        self._delete([id])

    def own(self) -> PhotoQuerySet:
        return Photo.objects.filter(album=self._album, owner=self._owner)

    def came_or_went(self) -> None:
        self._follow_own()
        self._tell_others()

    def forget_deleted(self, keys: list[int]) -> None:
        super().forget_deleted(keys)
        self.order = [pk for pk in self.order if pk not in keys]

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
        chosen = list(self._ordered().filter(pk__in=self.selected))
        Photo.move_to_front(self._album, chosen)
        self._put([photo.pk for photo in chosen])
        self.selected = []
        self._tell_others()

    @event_handler
    def turn(self, by: int) -> None:
        """To the page before or behind, whose address isn't another one."""
        self.page = max(1, self.page + by)
        self._lay()

    def _delete(self, ids: list[int]) -> None:
        gone = self.delete_kept(ids)
        self.selected = [each for each in self.selected if each not in gone]

    # Other tabs
    def handle_info(self, topic: str, message: dict[str, Any]) -> None:
        """Something changed elsewhere.

        A burst of changes is one render: the page asks the database when it is drawn. Its own changes it has shown.
        """
        self.skip_render()
        if not self._refreshing and message.get("by") not in {self._name, *self._uploads_shown}:
            self._refreshing = True
            self.send_after(SETTLE, self.refresh)

    def refresh(self) -> None:
        self._refreshing = False
        self._follow_own()

    @event_handler
    def let_in(self) -> None:
        """Shows what others have added, in front of what was there, and what else they have changed."""
        if self._waiting().exists():
            self.page = 1
        self._let_in()
        self._lay()

    def _let_in(self) -> None:
        self.latest = max(self.latest, Photo.objects.of(self._album).aggregate(latest=Max("pk"))["latest"] or 0)

    @property
    def _is_shown(self) -> Q:
        return Q(pk__lte=self.latest) | Q(owner=self._owner)

    def _shown(self) -> PhotoQuerySet:
        return Photo.objects.of(self._album).filter(self._is_shown)

    def _waiting(self) -> PhotoQuerySet:
        return Photo.objects.of(self._album).filter(pk__gt=self.latest).exclude(owner=self._owner)

    # The photos of this page, in their order
    def _photos(self) -> tuple[Page[Photo], bool]:
        """Those that the page shows, and whether others have changed something about them since it was laid."""
        photos = Paginator(self._shown(), conf().page_size).get_page(self.page)
        now = {photo.pk: photo for photo in photos}
        order = self.order or list(now)
        known = now | {photo.pk: photo for photo in self._among([pk for pk in order if pk not in now])}
        order = [pk for pk in order if pk in known or pk not in self._undoable]
        photos.object_list = [known.get(pk) or _gone(pk) for pk in order]
        return photos, arranging.differs(order, list(now), is_first=self.page == 1)

    @property
    def _undoable(self) -> set[int]:
        """What the visitor has deleted here keeps its place, unseen, in case they bring it back."""
        return {pk for keys in self.deleted for pk in keys}

    def _lay(self) -> None:
        """Shows the page as it is now."""
        size = conf().page_size
        ids = self._shown().values_list("pk", flat=True)
        self.order = list(ids[(self.page - 1) * size : self.page * size])
        if not self.order:
            self.order = list(Paginator(ids, size).get_page(self.page))

    def _put(self, ids: list[int], after: int = 0, before: int = 0) -> None:
        is_elsewhere = self.page > 1 and not (after or before)  # in front of the first page
        rest = [pk for pk in self.order if pk not in ids]
        self.order = rest if is_elsewhere else arranging.put(self.order, ids, after=after, before=before)
        self._fill()

    def _follow_own(self) -> None:
        """The visitor's own photos come and go at once, in this tab or in another."""
        if not self._shown().exists():  # then nothing moves
            self._let_in()
            self._lay()
        gone = set(self.own().filter(pk__in=self.order).exclude(deleted_at=None).values_list("pk", flat=True))
        order = [pk for pk in self.order if pk not in gone - self._undoable]
        size = conf().page_size
        now = self._shown()[(self.page - 1) * size : self.page * size]
        fresh = {photo.pk: photo.position for photo in now if photo.owner == self._owner and photo.pk not in order}
        if fresh:
            order = arranging.insert(order, self._positions(), fresh, is_first=self.page == 1)
        self.order = order
        self._fill()

    def _fill(self) -> None:
        """As many as a page has: more from behind, if some have gone."""
        positions = self._positions()
        places = [pk for pk in self.order if pk in positions or pk not in self._undoable]
        excess = set(places[conf().page_size :])
        self.order = [pk for pk in self.order if pk not in excess]
        if not positions:
            self._lay()
        elif (lacking := conf().page_size - len(places)) > 0:
            more = self._shown().filter(position__lt=min(positions.values())).exclude(pk__in=self.order)
            self.order = [*self.order, *more.values_list("pk", flat=True)[:lacking]]

    def _positions(self) -> dict[int, float]:
        return dict(self._among(self.order).values_list("pk", "position"))

    def _among(self, ids: list[int]) -> PhotoQuerySet:
        return Photo.objects.of(self._album).filter(pk__in=ids) if ids else Photo.objects.none()

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
            has_begun = entry.ref in self.begun
            photo = pictures.publish(entry, self._album, self._owner, caption, place, has_begun=has_begun)
            self.begun = [ref for ref in self.begun if ref != entry.ref]
            if photo is not None:
                self.published[entry.ref] = photo.pk
            for sentence in entry.warnings:
                self.flash(f"{entry.client_name}: {sentence}")
            count += 1
        if count:
            self._follow_own()
            self.published = dict(list(self.published.items())[-REMEMBERED:])
            self._tell_others()
        return count

    def _publish_thumb(self, entry: UploadEntry) -> None:
        self._take_places()
        place, caption = self._places.get(entry.ref), self.captions.get(entry.ref, "")
        photo = place and pictures.publish_thumb(entry, self._album, self._owner, caption, place)
        if not photo:  # it was cancelled, or has failed
            self.skip_render()
            return
        self._uploads_shown.add(entry.upload.id)
        self.captions.pop(entry.ref, None)
        self.begun = [*self.begun, entry.ref]
        self.published[entry.ref] = photo.pk
        self._follow_own()
        self._tell_others()

    def _withdraw(self, entry: UploadEntry) -> None:
        self.begun = [ref for ref in self.begun if ref != entry.ref]
        self.published.pop(entry.ref, None)
        pk = pictures.withdraw(entry)
        self.order = [each for each in self.order if each != pk]
        self._fill()
        self._tell_others()

    def _take_places(self) -> None:
        """They are in the album as they were chosen, the last one first, whichever is ready first."""
        refs = [entry.ref for entry in self.uploaded("photos")]
        self._places = {ref: self._places[ref] for ref in refs if ref in self._places}
        last = max([Photo.next_position(self._album) - STEP, *self._places.values()])
        for number, ref in enumerate((ref for ref in refs if ref not in self._places), 1):
            self._places[ref] = last + number * STEP

    def _answer_form(self, count: int, refused: list[UploadEntry]) -> None:
        """Without JavaScript the answer is another page: reloading it doesn't send the photos again."""
        added = ngettext("Photo added", "%(count)s photos added", count) % {"count": count}
        self.flash(added, "success")
        for entry in refused:
            self.flash(f"{entry.client_name}: {entry.error}", "error")
        self.redirect(self.request.get_full_path())

    def _ordered(self) -> PhotoQuerySet:
        return Photo.objects.of(self._album).filter(owner=self._owner)

    def _tell_others(self) -> None:
        self.broadcast(topic(self._album), {"by": self._name})


def _gone(pk: int) -> Photo:
    photo = Photo(pk=pk)
    photo.is_gone = True
    return photo


def _deleted(count: int) -> str:
    return ngettext("Photo deleted", "%(count)s photos deleted", count) % {"count": count}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
