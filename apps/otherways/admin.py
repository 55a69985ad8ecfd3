from __future__ import annotations

from django.contrib import admin

from otherways.models import Received


@admin.register(Received)
class ReceivedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's own is not generic at run time
    list_display = ("name", "size", "way", "created_at")
    readonly_fields = ("guid", "owner", "name", "size", "sha256", "content_type", "way", "file", "created_at")
