from __future__ import annotations

from collections.abc import Iterable

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from gallery.models import Photo
from uploads.keeping import remove_when_gone
from uploads.slots import megabytes


@admin.register(Photo)
class PhotoAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's own is not generic at run time
    list_display = ["picture", "name", "caption", "album", "owner", "weight", "pixels", "created_at", "is_shown"]
    list_display_links = ["picture", "name"]
    list_filter = ["created_at", ("deleted_at", admin.EmptyFieldListFilter)]
    search_fields = ["name", "caption", "owner", "sha256"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    readonly_fields = ["album", "owner", "size", "sha256", "width", "height", "full", "medium", "thumb", "created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="")
    def picture(self, photo: Photo) -> str:
        return format_html('<img src="{}" alt="" height="40">', photo.thumb.url)

    @admin.display(description=_("size"), ordering="size")
    def weight(self, photo: Photo) -> str:
        return megabytes(photo.size)

    @admin.display(description=_("pixels"), ordering="width")
    def pixels(self, photo: Photo) -> str:
        return f"{photo.width} × {photo.height}"

    @admin.display(description=_("shown"), boolean=True, ordering="deleted_at")
    def is_shown(self, photo: Photo) -> bool:
        """Whether its owner hasn't deleted it; one that he has can be brought back for a while."""
        return photo.deleted_at is None

    def delete_model(self, request: HttpRequest, obj: Photo) -> None:
        self.delete_queryset(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: Iterable[Photo]) -> None:
        """Each with its files, once the row is gone for good."""
        for photo in list(queryset):
            names = photo.files()
            photo.delete()
            remove_when_gone(names)
