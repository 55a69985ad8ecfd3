"""Parked and running uploads, to be viewed or deleted. If their state is kept in Redis there are none here."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from uploads.conf import conf
from uploads.core.slots import megabytes
from uploads.models import UploadState


@admin.register(UploadState)
class UploadStateAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's own is not generic at run time
    """Deleting one ends it: its visitor has to start over. The janitor removes its bytes."""

    list_display = ["short_id", "owner", "page", "slot", "name", "size", "arrived", "is_under_way", "expires_at"]
    list_filter = ["created_at", "expires_at"]
    search_fields = ["upload_id", "owner", "record"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    readonly_fields = [field.name for field in UploadState._meta.fields]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("upload"), ordering="upload_id")
    def short_id(self, state: UploadState) -> str:
        return f"{state.upload_id[:8]}…"

    @admin.display(description=_("page"))
    def page(self, state: UploadState) -> str:
        return str(_record(state).get("page", ""))

    @admin.display(description=_("slot"))
    def slot(self, state: UploadState) -> str:
        return str(_record(state).get("slot", ""))

    @admin.display(description=_("file name"))
    def name(self, state: UploadState) -> str:
        return str(_record(state).get("name", ""))

    @admin.display(description=_("size"))
    def size(self, state: UploadState) -> str:
        return megabytes(int(_record(state).get("size", 0)))

    @admin.display(description=_("arrived"))
    def arrived(self, state: UploadState) -> str:
        """Percent of the size, as measured: the length of the staged file, if it is on this machine."""
        try:
            bytes_here = (conf().staging_dir / state.upload_id).stat().st_size
        except OSError:
            bytes_here = state.offset
        size = int(_record(state).get("size", 0))
        return f"{100 * bytes_here // size} %" if size else ""

    @admin.display(description=_("being sent"), boolean=True)
    def is_under_way(self, state: UploadState) -> bool:
        return state.leased_until is not None and state.leased_until > timezone.now()


def _record(state: UploadState) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(state.record)
    except ValueError:
        return {}
    return record
