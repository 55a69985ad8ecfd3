"""State in the site's database: survives a restart, and is shared by every process."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import F, Manager, Q, QuerySet
from django.utils import timezone

from uploads.stores.base import Lease, Record, translated

if TYPE_CHECKING:
    from uploads.models import UploadState


@translated
class DatabaseUploadState:
    """Every change of a lease is one conditional UPDATE, so that two processes can't both have it."""

    def save(self, record: Record, ttl: float) -> None:
        self.prune()
        fields = {"owner": record.owner, "record": record.to_json(), "expires_at": _in(ttl)}
        _states().update_or_create(upload_id=record.id, defaults=fields)

    def replace(self, record: Record) -> None:
        self._one(record.id).update(record=record.to_json())

    def load(self, upload_id: str) -> Record | None:
        text = self._one(upload_id).values_list("record", flat=True).first()
        return Record.from_json(text) if text is not None else None

    def touch(self, upload_id: str, ttl: float) -> None:
        self._one(upload_id).update(expires_at=_in(ttl))

    def forget(self, upload_id: str) -> None:
        _states().filter(pk=upload_id).delete()

    def acquire(self, upload_id: str, holder: str, seconds: float) -> Lease | None:
        is_free = Q(leased_until=None) | Q(leased_until__lte=timezone.now()) | Q(holder=holder)
        changed = (
            self._one(upload_id).filter(is_free).update(token=F("token") + 1, holder=holder, leased_until=_in(seconds))
        )
        if not changed:
            return None
        token = self._one(upload_id).filter(holder=holder).values_list("token", flat=True).first()
        return Lease(upload_id, holder, token) if token is not None else None

    def renew(self, lease: Lease, seconds: float) -> bool:
        return bool(self._one(lease.upload_id).filter(token=lease.token).update(leased_until=_in(seconds)))

    def release(self, lease: Lease) -> None:
        self._one(lease.upload_id).filter(token=lease.token).update(leased_until=None)

    def prune(self) -> int:
        return _states().filter(expires_at__lte=timezone.now()).delete()[0]

    def get_offset(self, upload_id: str) -> int | None:
        offset: int | None = self._one(upload_id).values_list("offset", flat=True).first()
        return offset

    def set_offset(self, upload_id: str, offset: int) -> None:
        self._one(upload_id).update(offset=offset)

    clear_offset = forget

    def _one(self, upload_id: str) -> QuerySet[UploadState]:
        return _states().filter(pk=upload_id, expires_at__gt=timezone.now())


def _states() -> Manager[UploadState]:
    """Imported late: the package's public names are needed before Django has loaded any model."""
    from uploads.models import UploadState

    return UploadState.objects


def _in(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)
