from __future__ import annotations

from collections.abc import Iterable

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from avatars.models import Avatar
from uploads.keeping import remove_when_gone
from uploads.slots import megabytes


@admin.register(Avatar)
class AvatarAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's own is not generic at run time
    list_display = ["picture", "name", "owner", "weight", "pixels", "updated_at"]
    list_display_links = ["picture", "name"]
    list_filter = ["updated_at"]
    search_fields = ["name", "owner", "sha256"]
    ordering = ["-updated_at"]
    readonly_fields = ["owner", "image", "size", "sha256", "width", "height", "updated_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="")
    def picture(self, avatar: Avatar) -> str:
        return format_html('<img src="{}" alt="" height="40">', avatar.image.url)

    @admin.display(description=_("size"), ordering="size")
    def weight(self, avatar: Avatar) -> str:
        return megabytes(avatar.size)

    @admin.display(description=_("pixels"), ordering="width")
    def pixels(self, avatar: Avatar) -> str:
        return f"{avatar.width} × {avatar.height}"

    def delete_model(self, request: HttpRequest, obj: Avatar) -> None:
        self.delete_queryset(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: Iterable[Avatar]) -> None:
        """Each with its file, once the row is gone for good."""
        for avatar in list(queryset):
            name = str(avatar.image)
            avatar.delete()
            remove_when_gone([name])
