from __future__ import annotations

from django.contrib import admin

from videos.models import Video


@admin.register(Video)
class VideoAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's own is not generic at run time
    list_display = ["title", "name", "owner", "status", "reason", "size", "length", "created_at"]
    list_filter = ["status", "created_at"]
    search_fields = ["title", "name", "owner", "sha256"]
    readonly_fields = [field.name for field in Video._meta.fields if field.name != "title"]

    def delete_queryset(self, request: object, queryset: object) -> None:
        """One by one, so that each takes its files along."""
        for video in queryset:  # type: ignore[attr-defined]
            video.delete()
