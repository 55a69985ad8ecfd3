from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from otherways.models import Received
from uploads.slots import megabytes


@admin.register(Received)
class ReceivedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's own is not generic at run time
    list_display = ("name", "weight", "way", "created_at")
    readonly_fields = ("guid", "owner", "name", "size", "sha256", "content_type", "way", "file", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("size"), ordering="size")
    def weight(self, received: Received) -> str:
        return megabytes(received.size)
