from __future__ import annotations

from django.contrib import admin

from avatars.models import Avatar


@admin.register(Avatar)
class AvatarAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's own is not generic at run time
    list_display = ["name", "owner", "size", "width", "height", "updated_at"]
    search_fields = ["name", "owner", "sha256"]
    readonly_fields = ["owner", "image", "size", "sha256", "width", "height", "updated_at"]
