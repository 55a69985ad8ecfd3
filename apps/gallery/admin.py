from __future__ import annotations

from django.contrib import admin

from gallery.models import Photo


@admin.register(Photo)
class PhotoAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's own is not generic at run time
    list_display = ["name", "caption", "owner", "size", "width", "height", "created_at", "deleted_at"]
    list_filter = ["created_at", "deleted_at"]
    search_fields = ["name", "caption", "owner", "sha256"]
    readonly_fields = ["album", "owner", "size", "sha256", "width", "height", "full", "medium", "thumb", "created_at"]
