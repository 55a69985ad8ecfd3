"""What visitors have sent is kept until they delete it, and can be brought back for a while; or it goes by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from liveview import event_handler, state

__all__ = ["Kept", "KeptQuerySet", "UndoMixin", "remove_for_good", "remove_when_gone"]

M = TypeVar("M", bound=models.Model, covariant=True)
G = TypeVar("G", bound=models.Model)

if TYPE_CHECKING:
    from liveview import LiveView

    _Base = LiveView
else:
    _Base = object  # so that it may come before or after LiveView among the bases


class Terms(Protocol):
    """Of an app's settings, in seconds."""

    @property
    def undo(self) -> int:
        """In which what was deleted can be brought back."""

    @property
    def kept_for(self) -> int:
        """After which it goes by itself; 0: never."""


class Kept(models.Model):
    """What can be deleted and brought back. Its app removes what is `overdue`, now and then."""

    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True)

    class Meta:
        abstract = True


class KeptQuerySet(models.QuerySet[M]):
    """Of a `Kept` model: `since` is the field that says from when on it is kept."""

    since = "created_at"

    def terms(self) -> Terms:
        raise NotImplementedError

    def kept(self) -> Self:
        """Those that are there for visitors."""
        kept = self.filter(deleted_at=None)
        if (seconds := self.terms().kept_for) > 0:
            kept = kept.filter(**{f"{self.since}__gt": _ago(seconds)})
        return kept

    def recently_deleted(self) -> Self:
        """Those that can be brought back, the latest last."""
        return self.filter(deleted_at__gt=_ago(self.terms().undo)).order_by("deleted_at")

    def overdue(self) -> Self:
        """Deleted ones that can no longer be brought back, and those that have been kept for long enough."""
        overdue = Q(deleted_at__lt=_ago(self.terms().undo))
        if (seconds := self.terms().kept_for) > 0:
            overdue |= Q(**{f"{self.since}__lt": _ago(seconds)})
        return self.filter(overdue)


class UndoMixin(_Base):
    """A view whose visitors delete what is theirs. `uploads/undo.html` has the button that brings it back."""

    deleted: state[list[list[int]]] = state([])  # the keys of what can be brought back, the latest last

    def own(self) -> KeptQuerySet[Any]:
        """What is the visitor's, deleted or not."""
        raise NotImplementedError

    def recall_deleted(self) -> None:
        """In `mount`: what was deleted on the page before, or without JavaScript, can be brought back here."""
        undo, gone = self.own().terms().undo, self.own().recently_deleted().values_list("deleted_at", "pk")
        self.deleted = [[pk for _, pk in together] for _, together in groupby(gone, key=itemgetter(0))]
        if self.connected:
            for keys in self.deleted:
                self.send_after(undo + 1, self.forget_deleted, keys=keys)

    def came_or_went(self) -> None:
        """Something was deleted, or brought back."""

    def delete_kept(self, keys: list[int]) -> list[int]:
        """Deletes those of the visitor's; which these were."""
        found = list(self.own().kept().filter(pk__in=keys).values_list("pk", flat=True))
        if found:
            self.own().filter(pk__in=found).update(deleted_at=timezone.now())
            self.deleted.append(found)
            self.send_after(self.own().terms().undo + 1, self.forget_deleted, keys=found)
            self.came_or_went()
        return found

    @event_handler
    def undo(self) -> None:
        """Brings back what was deleted last."""
        if self.deleted:
            self.own().filter(pk__in=self.deleted.pop()).update(deleted_at=None)
            self.came_or_went()

    def forget_deleted(self, keys: list[int]) -> None:
        if keys in self.deleted:
            self.deleted.remove(keys)


def remove_when_gone(files: Iterable[str]) -> None:
    """Removes stored files once the transaction is over. One that can't be, as its storage is away, keeps no other."""
    for name in filter(None, files):
        transaction.on_commit(_removal(name), robust=True)


def _removal(name: str) -> Callable[[], None]:
    """Not a `partial`: Django logs what fails by its name, which that hasn't."""

    def remove() -> None:
        default_storage.delete(name)

    return remove


def remove_for_good(
    gone: Iterable[G], files: Callable[[G], Iterable[str]], forget: Callable[[G], object] = models.Model.delete
) -> list[G]:
    """Removes stored files, and then what they belong to, with `forget`; whose files these were.

    For what is `overdue`: a row whose files can't be removed now is left to the next round, and the others go. Raises
    what its storage has, if none could be removed.
    """
    removed, failure = list[G](), None
    for each in gone:
        try:
            for name in filter(None, files(each)):
                default_storage.delete(name)
        except Exception as raised:  # noqa: BLE001  (whatever a storage raises)
            failure = failure or raised
        else:
            forget(each)
            removed.append(each)
    if failure is not None and not removed:
        raise failure
    return removed


def _ago(seconds: float) -> datetime:
    return timezone.now() - timedelta(seconds=seconds)
