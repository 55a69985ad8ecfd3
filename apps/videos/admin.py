from __future__ import annotations

from collections.abc import Iterable

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from uploads.slots import megabytes
from videos.models import Video
from videos.processing import discard


@admin.register(Video)
class VideoAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's own is not generic at run time
    list_display = ["picture", "title", "name", "owner", "status", "reason", "weight", "length", "created_at"]
    list_display_links = ["picture", "title"]
    list_filter = ["status", "reason", "created_at"]
    search_fields = ["title", "name", "owner", "sha256"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    readonly_fields = [field.name for field in Video._meta.fields if field.name != "title"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="")
    def picture(self, video: Video) -> str:
        return format_html('<img src="{}" alt="" height="40">', video.poster.url) if video.is_ready else ""

    @admin.display(description=_("size"), ordering="size")
    def weight(self, video: Video) -> str:
        return megabytes(video.size)

    @admin.display(description=_("duration"), ordering="duration")
    def length(self, video: Video) -> str:
        return video.length

    def delete_model(self, request: HttpRequest, obj: Video) -> None:
        discard(obj)

    def delete_queryset(self, request: HttpRequest, queryset: Iterable[Video]) -> None:
        """One by one, so that each takes its files along, also what it is still made of."""
        for video in list(queryset):
            discard(video)
